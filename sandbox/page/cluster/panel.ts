import { type Content, type Html, html } from "../html.ts";

/** A part of the page's right side. `note` stands beside the title, and `act` is what can be done with all of it. */
export function panel(
  {
    id,
    title,
    note,
    act,
  }: { readonly id: string; readonly title: string; readonly note?: Content; readonly act?: Content },
  content: Content,
): Html {
  return html`<section class="panel" id="panel-${id}" aria-labelledby="panel-${id}-title">
    <header><h2 id="panel-${id}-title">${title}</h2><p class="note">${note}</p>${act}</header>
    ${content}
  </section>`;
}

/** How long ago, in words that change seldom: a page that says something new each second is no help to a screen reader. */
export function ago(at: Date, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - at.getTime()) / 1000));
  if (seconds < 10) return "just now";
  if (seconds < 60) return "less than a minute ago";
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}
