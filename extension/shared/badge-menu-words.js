// @ts-check
/** The texts of badges' menus, which content scripts cannot look up themselves in a language that the person chose. */
export const BADGE_MENU_KEYS = Object.freeze([
    "badge_group", "badge_menu", "badge_menu_ask", "badge_menu_again", "badge_menu_cancel", "badge_menu_details", "badge_menu_hide",
    "badge_covered", "badge_failed", "language_direction",
]);

/**
 * @param {import("./translate.js").Translator} translator
 * @returns {Record<string, string>}
 */
export function badgeMenuWords(translator) {
    return Object.fromEntries(BADGE_MENU_KEYS.map((key) => [key, translator.text(key)]));
}
