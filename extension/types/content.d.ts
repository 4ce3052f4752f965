/** What the content scripts use of the browser and TypeScript 4.8 does not know yet. */
interface HTMLElement {
    popover: "auto" | "manual" | null;
    showPopover(): void;
}

interface Document {
    readonly prerendering: boolean;
}

interface Element {
    checkVisibility(options?: { checkOpacity?: boolean; checkVisibilityCSS?: boolean }): boolean;
}

interface IntersectionObserverInit {
    trackVisibility?: boolean;
    delay?: number;
}

interface IntersectionObserverEntry {
    readonly isVisible: boolean;
}
