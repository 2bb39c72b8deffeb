/** The whole page around a content. */
import type { ComponentChildren, VNode } from "preact";
import { DIALOG_ID } from "./parts/card.tsx";
import type { Theme } from "./props.ts";
import { debuggerUrl, helpUrl, homeUrl, jobsUrl, openApiUrl, searchUrl, themeUrl } from "./urls.ts";

export interface DocumentProps {
  readonly title: string;
  readonly theme: Theme;
  /** Whether single keys do something. */
  readonly hasKeys: boolean;
  readonly assets: { readonly css: readonly string[]; readonly scripts: readonly string[]; readonly icon: string };
  readonly children: ComponentChildren;
}

/** htmx 2 set up to behave like 4: no inheritance, no snapshots, errors are swapped too, nothing is evaluated. */
const HTMX_CONFIG = JSON.stringify({
  disableInheritance: true,
  historyCacheSize: 0,
  historyRestoreAsHxRequest: false,
  allowEval: false,
  allowScriptTags: false,
  selfRequestsOnly: true,
  includeIndicatorStyles: false,
  // A swap in place leaves the reader where they are.
  scrollIntoViewOnBoost: false,
  reportValidityOfForms: true,
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "[45]..", swap: true, error: true },
  ],
});

const NAME = "Transformer Debugger";

/** The title in the browser's tab; an answer that is swapped in place brings its own. */
export function PageTitle({ title }: Pick<DocumentProps, "title">): VNode {
  return <title>{title === NAME ? NAME : `${title} · ${NAME}`}</title>;
}

export function Document({ title, theme, hasKeys, assets, children }: DocumentProps): VNode {
  return (
    <html lang="en" data-theme={theme ?? undefined}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content={HTMX_CONFIG} />
        <PageTitle title={title} />
        <link rel="icon" href={assets.icon} type="image/svg+xml" />
        {assets.css.map((href) => <link rel="stylesheet" href={href} />)}
        {assets.scripts.map((src) => <script src={src} defer />)}
      </head>
      <body data-keys={hasKeys ? undefined : "off"}>
        <a class="skip-link" href="#main">Skip to the content</a>
        <header class="site-header">
          <a class="site-name" href={homeUrl()}>
            <svg class="site-mark" viewBox="0 0 24 24" aria-hidden="true">
              <circle cx="5" cy="18" r="2.5" />
              <circle cx="12" cy="6" r="2.5" />
              <circle cx="19" cy="14" r="2.5" />
              <path d="M6.5 16 10.6 8.2M14 7.6l3.4 4.6" />
            </svg>
            {NAME}
          </a>
          <nav aria-label="Main">
            <a href={debuggerUrl()}>Ask a question</a>
            <a href={searchUrl()}>Find components</a>
            <a data-help href={helpUrl()}>Help and glossary</a>
            <a href={jobsUrl()}>Jobs</a>
            <a href={openApiUrl()}>API</a>
          </nav>
          <ThemeSwitch theme={theme} />
        </header>
        <main id="main" tabIndex={-1}>{children}</main>
        <footer class="site-footer">
          <p>Every number is computed by the model on this server, and every run keeps its address.</p>
        </footer>
        {/* Data is looked at here where there is script; else it has a page. */}
        <dialog id={DIALOG_ID} class="data-dialog" aria-label="Data" />
        <p id="live" class="visually-hidden" role="status" aria-live="polite" />
      </body>
    </html>
  );
}

const THEMES = [
  { value: "system", label: "Auto" },
  { value: "light", label: "Light" },
  { value: "dark", label: "Dark" },
] as const;

function ThemeSwitch({ theme }: { readonly theme: Theme }): VNode {
  return (
    <form class="theme-switch" method="post" action={themeUrl()} aria-label="Theme">
      {THEMES.map(({ value, label }) => (
        <button
          type="submit"
          name="theme"
          value={value}
          aria-pressed={(theme ?? "system") === value ? "true" : "false"}
        >
          {label}
        </button>
      ))}
    </form>
  );
}
