/// How the page looks: light and dark by the reader's system, one column that narrows to a telephone.
enum ReportStyle {
    static let css = """
        :root { color-scheme: light dark;
          --page: #f6f7f9; --panel: #ffffff; --ink: #1b1e26; --soft: #596070; --line: #dde1e8; --grid: #e8ebf0;
          --fake: #c2410c; --real: #1d4ed8; --model: #0f766e; --warn: #92400e; --warn-page: #fef3e2; --shade: 15 118 110; --on-shade: #10201e; }
        @media (prefers-color-scheme: dark) { :root {
          --page: #111318; --panel: #1a1d24; --ink: #e9ebf1; --soft: #a2a9b8; --line: #2f3440; --grid: #262b35;
          --fake: #ff8a57; --real: #76b0ff; --model: #4fd1c0; --warn: #ffcf7a; --warn-page: #2d2618; --shade: 79 209 192; --on-shade: #f2fffd; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
          overflow-wrap: anywhere; }
        main { max-width: 74rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
        h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
        h2 { font-size: 1.2rem; margin: 0 0 .35rem; letter-spacing: -.005em; }
        h3 { font-size: 1rem; margin: 1.25rem 0 .35rem; }
        p { margin: .35rem 0 .75rem; max-width: 48rem; }
        .soft, figcaption, caption { color: var(--soft); }
        .small { font-size: .875rem; }
        nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 0; font-size: .9rem; }
        a { color: var(--model); text-underline-offset: .2em; }
        section { background: var(--panel); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem; margin-top: 1.25rem; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .75rem; margin-top: 1.25rem; }
        .tile { background: var(--panel); border: 1px solid var(--line); border-radius: 12px; padding: .85rem 1rem; }
        .tile .name { color: var(--soft); font-size: .85rem; }
        .tile .value { font-size: 1.9rem; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; letter-spacing: -.02em; }
        .tile .range { color: var(--soft); font-size: .8rem; line-height: 1.45; font-variant-numeric: tabular-nums; }
        .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); gap: 1.25rem 2rem; }
        figure { margin: 0; min-width: 0; } .plots figure { max-width: 27rem; }
        figcaption { font-size: .875rem; margin-top: .35rem; }
        svg { display: block; width: 100%; height: auto; }
        svg text { font: 12px system-ui, "Segoe UI", Roboto, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
        svg .axis { stroke: var(--soft); stroke-width: 1; }
        svg .grid { stroke: var(--grid); stroke-width: 1; }
        svg .chance { stroke: var(--soft); stroke-width: 1.25; stroke-dasharray: 4 4; fill: none; }
        svg .curve { stroke: var(--model); stroke-width: 2.5; fill: none; stroke-linejoin: round; }
        svg .dot { fill: var(--model); }
        svg .fake { fill: var(--fake); } svg .real { fill: var(--real); }
        svg .band { fill: var(--soft); opacity: .13; }
        svg .median { stroke: var(--ink); stroke-width: 2; }
        svg .label { fill: var(--ink); }
        .wide { overflow-x: auto; margin: 1.25rem -1.25rem 0; padding: 0 1.25rem; }
        .strips svg { min-width: 36rem; }
        table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; min-width: min(100%, 36rem); }
        caption { text-align: left; padding: 0 0 .4rem; font-size: .875rem; }
        th, td { padding: .4rem 1.5rem .4rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
        thead th { color: var(--soft); font-weight: 550; white-space: nowrap; vertical-align: bottom; }
        tbody th { font-weight: 550; overflow-wrap: break-word; min-width: 5.5rem; }
        td.n, th.n { text-align: right; white-space: nowrap; }
        td .sub { display: block; color: var(--soft); font-size: .8rem; }
        tr:last-child > * { border-bottom: 0; }
        .heat td { text-align: center; border: 2px solid var(--panel); padding: .5rem; border-radius: 6px; min-width: 4.5rem; }
        .heat th { white-space: nowrap; } .heat thead th + th { text-align: center; padding-right: 0; }
        .heat td .sub { color: inherit; opacity: .8; }
        .tag-fake { color: var(--fake); font-weight: 600; } .tag-real { color: var(--real); font-weight: 600; }
        .notes { background: var(--warn-page); border-color: var(--warn); }
        .notes li { margin: .4rem 0; max-width: 54rem; }
        ul { padding-left: 1.15rem; margin: .35rem 0; }
        .sheet { margin-top: 1.25rem; } .sheet img { width: 100%; height: auto; border-radius: 8px; display: block; background: #111318; }
        dl { display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .25rem 1rem; margin: .35rem 0; font-size: .9rem; }
        dt { color: var(--soft); } dd { margin: 0; }
        .key { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .35em; }
        .key.fake { background: var(--fake); } .key.real { background: var(--real); }
        @media (max-width: 32rem) { main { padding: 1rem .75rem 3rem; } section { padding: 1rem .9rem; }
          .wide { margin: 1rem -.9rem 0; padding: 0 .9rem; }
          h1 { font-size: 1.4rem; } dl { grid-template-columns: 1fr; } dt { margin-top: .35rem; } th, td { padding-right: .6rem; }
          .tiles { grid-template-columns: repeat(auto-fit, minmax(8.75rem, 1fr)); } .tile .value { font-size: 1.55rem; } }
        @media print { body { background: #fff; } section { break-inside: avoid; } nav { display: none; } }
        """
}
