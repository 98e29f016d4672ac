import { addressOf, type Viewer } from "../chat/viewer.ts";
import { attributes, type Html, html, nothing } from "../html.ts";

/** The switch for which cluster the right side shows; nothing where there is one alone. */
export function clustersNav(viewer: Viewer, names: readonly string[]): Html {
  if (names.length < 2) return nothing;
  const item = (name: string) =>
    html`<li><a href="${addressOf(viewer.as.id, viewer.place, name)}" data-go="at"${attributes({ "aria-current": name === viewer.at ? "true" : undefined })}>${name}</a></li>`;
  return html`<nav class="clusters" aria-label="Clusters"><ul>${names.map(item)}</ul></nav>`;
}
