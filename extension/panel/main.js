// @ts-check
import { found } from "../look/nodes.js";
import { onStorageChanged } from "../shared/browser.js";
import { loadSettings, SETTINGS_KEY } from "../shared/settings.js";
import { loadTranslator, translatePage } from "../shared/translate.js";
import { PanelView } from "./panel-view.js";
import { ShownAnalysis } from "./shown-analysis.js";

/** @type {PanelView} */
const view = new PanelView({
    title: found("title", HTMLElement),
    origin: found("origin", HTMLElement),
    news: found("news", HTMLElement),
    main: found("view", HTMLElement),
}, (analysisId) => shown.choose(analysisId));
const shown = new ShownAnalysis((what) => view.show(what));

/** Settings decide about language and gateway: with other ones everything is shown anew. */
async function begin() {
    const settings = await loadSettings();
    const translator = await loadTranslator(settings.language);
    translatePage(document, translator);
    view.use(settings, translator);
    await shown.follow();
}

onStorageChanged((changes, area) => {
    if (area === "local" && changes[SETTINGS_KEY]) begin();
});
await begin();
