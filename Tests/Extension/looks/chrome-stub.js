// The browser's API as a page of the extension sees it, for looking at pages without the rest. `scene` is put before it.
(() => {
    const { settings, analyses, session, tab, answers, granted, messages } = scene;
    const stored = { local: { settings, ...Object.fromEntries(analyses.map((each) => [`analysis:${each.id}`, each])) }, session };
    const listeners = [];
    /** What the page asked for, for the test to look at. */
    const asked = [];
    let hosts = [...granted];

    function event() {
        return { addListener: () => {}, removeListener: () => {} };
    }

    function area(name) {
        return {
            async get(keys) {
                const wanted = (keys === null ? Object.keys(stored[name]) : [keys].flat()).filter((key) => key in stored[name]);
                return structuredClone(Object.fromEntries(wanted.map((key) => [key, stored[name][key]])));
            },
            async set(items) {
                change(name, items);
            },
            async remove(keys) {
                change(name, Object.fromEntries([keys].flat().map((key) => [key, undefined])));
            },
        };
    }

    function change(name, items) {
        const changes = {};
        for (const [key, newValue] of Object.entries(items)) {
            changes[key] = { oldValue: stored[name][key], newValue };
            if (newValue === undefined) delete stored[name][key];
            else stored[name][key] = newValue;
        }
        for (const listener of listeners) listener(structuredClone(changes), name);
    }

    function answerOf(message) {
        const { type, analysisId } = message;
        if (type in answers) return answers[type];
        if (type === "analysis.get") return { analysis: stored.local[`analysis:${analysisId}`] ?? null };
        if (type === "analyses.list") {
            return { analyses: Object.keys(stored.local).filter((key) => key.startsWith("analysis:")).map((key) => stored.local[key]) };
        }
        if (type === "analysis.erase") change("local", { [`analysis:${analysisId}`]: undefined });
        if (type === "site.set") {
            const { [message.origin]: _, ...others } = stored.local.settings.sites;
            const sites = message.setting ? { ...others, [message.origin]: message.setting } : others;
            change("local", { settings: { ...stored.local.settings, sites } });
        }
        if (type === "video.ask" || type === "analysis.again") return { analysisId: analyses[0]?.id };
        return type === "analysis.seek" ? { done: true } : {};
    }

    globalThis.stub = { asked, change, stored };
    globalThis.chrome = {
        runtime: {
            id: "whorl", getURL: (path) => `${location.origin}/${path}`, getManifest: () => ({ version: "0.1.0" }),
            openOptionsPage: async () => void asked.push({ type: "options" }),
            async sendMessage(message) {
                asked.push(message);
                return structuredClone(answerOf(message));
            },
            onMessage: event(), onConnect: event(), onInstalled: event(), onStartup: event(),
        },
        storage: {
            local: area("local"), session: area("session"),
            onChanged: { addListener: (listener) => listeners.push(listener), removeListener: () => {} },
        },
        tabs: { query: async () => [tab], get: async () => tab, create: async () => {}, onActivated: event(), onRemoved: event() },
        permissions: {
            contains: async ({ origins }) => origins.every((origin) => hosts.includes(origin)),
            async request({ origins }) {
                asked.push({ type: "permission", origins, isInClick: navigator.userActivation.isActive });
                hosts = [...new Set([...hosts, ...origins])];
                return true;
            },
            async remove({ origins }) {
                asked.push({ type: "permission.remove", origins });
                hosts = hosts.filter((origin) => !origins.includes(origin));
                return true;
            },
            getAll: async () => ({ origins: hosts }),
            onAdded: event(), onRemoved: event(),
        },
        sidePanel: { open: async ({ tabId }) => void asked.push({ type: "panel", tabId, isInClick: navigator.userActivation.isActive }) },
        i18n: {
            getMessage(key, substitutions = []) {
                const entry = messages[key];
                if (!entry) return "";
                const declared = Object.entries(entry.placeholders ?? {});
                const contents = Object.fromEntries(declared.map(([name, { content }]) => [name.toLowerCase(), content]));
                return entry.message.replace(/\$([a-z0-9_@]+)\$/gi, (gap, name) => contents[name.toLowerCase()] ?? gap)
                    .replace(/\$([1-9])/g, (_, digit) => substitutions[digit - 1] ?? "");
            },
        },
    };
    // Closing itself is the popup's, not a tab's.
    globalThis.close = () => void asked.push({ type: "close" });
})();
