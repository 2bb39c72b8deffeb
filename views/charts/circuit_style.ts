/** The look of a downloaded circuit: there are no custom properties in a file of its own, so colours are literal, for a white ground. */
export const STANDALONE_STYLE = `
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: #1c2230; }
.ground { fill: #ffffff; }
.band { fill: #f6f4f0; }
.band-line { stroke: #dcd8d0; }
.band-name { font-weight: 600; }
.band-empty { font-weight: 400; }
.band-name, .row-name, .column-index, .token-gap, .band-empty { fill: #525a6b; font-size: 11px; }
.column-name, .box-name, .box-detail { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.box-name { font-weight: 600; }
.box-detail { font-size: 11px; }
.node-box rect { fill: #ffffff; stroke-width: 1.5; }
.node-box[data-kind="head"] rect { fill: #f4effc; stroke: #6b3fa0; }
.node-box[data-kind="neuron"] rect { fill: #e9f5f5; stroke: #0f6e73; }
.node-box[data-kind$="-latent"] rect { fill: #fbeef4; stroke: #9c2f63; }
.node-box[data-kind="error"] rect { fill: #f1f1f2; stroke: #525a6b; stroke-dasharray: 4 3; }
.node-box[data-kind="embed"] rect { fill: #f9f2e4; stroke: #7d5a13; }
.objective-box rect { fill: #1c2230; }
.objective-box text { fill: #ffffff; }
.edge { fill: none; }
.edge-for { stroke: #2a6fb8; }
.edge-against { stroke: #b85c14; }
.letters text { font-size: 11px; font-weight: 700; paint-order: stroke; stroke: #ffffff; stroke-width: 3px; }
`;
