// @ts-check
import { found } from "../look/nodes.js";
import { icon } from "../look/icons.js";
import { activeTab, onStorageChanged, openOptions } from "../shared/browser.js";
import { loadSettings, SETTINGS_KEY } from "../shared/settings.js";
import { loadTranslator, translatePage } from "../shared/translate.js";
import { PopupView } from "./popup-view.js";

const optionsButton = found("open-options", HTMLButtonElement);
optionsButton.append(icon("settings"));
optionsButton.addEventListener("click", openOptions);

const view = new PopupView(await activeTab());
/** Counts the beginnings, so that settings that came late do not take the place of newer ones. */
let turns = 0;

async function begin() {
    const turn = (turns += 1);
    const settings = await loadSettings();
    const translator = await loadTranslator(settings.language);
    if (turn !== turns) return;
    translatePage(document, translator);
    await view.use(settings, translator);
}

onStorageChanged((changes, area) => {
    if (area !== "local") return;
    view.take(changes);
    if (changes[SETTINGS_KEY]) begin();
});
await begin();
