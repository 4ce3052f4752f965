/** The part of the browser's extension API that is used here. `shared/browser.js` and the content scripts alone name it. */
declare namespace chrome {
    interface Event<Listener extends (...values: any[]) => any> {
        addListener(listener: Listener): void;
        removeListener(listener: Listener): void;
    }

    namespace runtime {
        interface MessageSender {
            id?: string;
            url?: string;
            origin?: string;
            frameId?: number;
            documentId?: string;
            documentLifecycle?: string;
            tab?: tabs.Tab;
        }

        interface Port {
            name: string;
            sender?: MessageSender;
            postMessage(message: any): void;
            disconnect(): void;
            onMessage: Event<(message: any) => void>;
            onDisconnect: Event<(port: Port) => void>;
        }

        interface ExtensionContext {
            contextType: string;
            tabId: number;
        }

        const id: string;
        const lastError: { message?: string } | undefined;
        function getURL(path: string): string;
        function getManifest(): { version: string };
        function getPlatformInfo(): Promise<{ os: string }>;
        function getContexts(filter: { contextTypes: string[] }): Promise<ExtensionContext[]>;
        function openOptionsPage(): Promise<void>;
        function sendMessage(message: any): Promise<any>;
        function connect(info: { name: string }): Port;

        const onMessage: Event<(message: any, sender: MessageSender, answer: (value: any) => void) => boolean | void>;
        const onConnect: Event<(port: Port) => void>;
        const onInstalled: Event<(details: { reason: string }) => void>;
        const onStartup: Event<() => void>;
    }

    namespace storage {
        interface StorageArea {
            get(keys: string | string[] | null): Promise<Record<string, any>>;
            set(items: Record<string, any>): Promise<void>;
            remove(keys: string | string[]): Promise<void>;
            setAccessLevel(level: { accessLevel: "TRUSTED_CONTEXTS" | "TRUSTED_AND_UNTRUSTED_CONTEXTS" }): Promise<void>;
        }

        const local: StorageArea;
        const session: StorageArea;
        const onChanged: Event<(changes: Record<string, { oldValue?: any; newValue?: any }>, area: string) => void>;
    }

    namespace alarms {
        interface Alarm {
            name: string;
            scheduledTime: number;
        }

        function create(name: string, info: { delayInMinutes?: number; periodInMinutes?: number }): Promise<void>;
        function get(name: string): Promise<Alarm | undefined>;
        function clear(name: string): Promise<boolean>;
        const onAlarm: Event<(alarm: Alarm) => void>;
    }

    namespace tabs {
        interface Tab {
            id?: number;
            windowId: number;
            active: boolean;
            url?: string;
            title?: string;
        }

        function get(tabId: number): Promise<Tab>;
        function query(filter: { active?: boolean; currentWindow?: boolean; lastFocusedWindow?: boolean }): Promise<Tab[]>;
        function create(properties: { url: string }): Promise<Tab>;
        function sendMessage(tabId: number, message: any, options: { documentId?: string }): Promise<any>;
        function captureVisibleTab(windowId: number, options: { format: "jpeg" | "png" }): Promise<string>;
        const onActivated: Event<(shown: { tabId: number; windowId: number }) => void>;
        const onRemoved: Event<(tabId: number) => void>;
    }

    namespace scripting {
        interface Target {
            tabId: number;
            allFrames?: boolean;
            documentIds?: string[];
        }

        interface InjectionResult {
            frameId: number;
            documentId: string;
            result: any;
        }

        interface RegisteredContentScript {
            id: string;
            matches: string[];
            js: string[];
            allFrames?: boolean;
            matchOriginAsFallback?: boolean;
            runAt?: string;
            persistAcrossSessions?: boolean;
        }

        type Injection = { target: Target; func: () => any; injectImmediately?: boolean } | { target: Target; files: string[] };
        function executeScript(injection: Injection): Promise<InjectionResult[]>;
        function registerContentScripts(scripts: RegisteredContentScript[]): Promise<void>;
        function getRegisteredContentScripts(): Promise<RegisteredContentScript[]>;
        function unregisterContentScripts(filter: { ids: string[] }): Promise<void>;
    }

    namespace permissions {
        function contains(permissions: { origins: string[] }): Promise<boolean>;
        function request(permissions: { origins: string[] }): Promise<boolean>;
        function remove(permissions: { origins: string[] }): Promise<boolean>;
        function getAll(): Promise<{ origins?: string[] }>;
        const onAdded: Event<(permissions: { origins?: string[] }) => void>;
        const onRemoved: Event<(permissions: { origins?: string[] }) => void>;
    }

    namespace sidePanel {
        function open(options: { tabId: number }): Promise<void>;
    }

    namespace dom {
        function openOrClosedShadowRoot(element: HTMLElement): ShadowRoot | null;
    }

    namespace i18n {
        function getMessage(key: string, substitutions?: string[]): string;
    }
}
