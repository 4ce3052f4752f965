// @ts-check
import { found } from "../look/nodes.js";
import { onHostsChanged, onStorageChanged } from "../shared/browser.js";
import { loadSettings, SETTINGS_KEY } from "../shared/settings.js";
import { loadTranslator, translatePage } from "../shared/translate.js";
import { Clearing } from "./clearing.js";
import { Diagnostics } from "./diagnostics.js";
import { GatewayForm } from "./gateway-form.js";
import { PlainFields } from "./plain-fields.js";
import { SitesTable } from "./sites-table.js";

const NEWS_MILLISECONDS = 4000;

const news = found("news", HTMLElement);
let newsTimer = 0;

/**
 * Says something for a while. Since it is emptied in between, the same again is said again.
 * @param {string} text
 */
function tell(text) {
    news.textContent = text;
    clearTimeout(newsTimer);
    newsTimer = setTimeout(() => news.replaceChildren(), NEWS_MILLISECONDS);
}

const gateway = new GatewayForm(tell);
const sites = new SitesTable();
const fields = new PlainFields(tell);
const diagnostics = new Diagnostics(tell);
const clearing = new Clearing();

/** Settings may be changed by the popup too: what is shown follows what is stored. */
async function show() {
    const settings = await loadSettings();
    const translator = await loadTranslator(settings.language);
    translatePage(document, translator);
    document.title = translator.text("options_title");
    fields.show(settings, translator);
    clearing.show(translator);
    await Promise.all([gateway.show(settings, translator), sites.show(settings, translator), diagnostics.show(translator)]);
}

onStorageChanged((changes, area) => {
    if (area === "local" && changes[SETTINGS_KEY]) show();
});
onHostsChanged(show);
await show();
