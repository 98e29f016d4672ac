import type { SandboxChannel, SandboxUser } from "../../slack/shapes.ts";
import { attributes, type Html, html } from "../html.ts";
import { addressOf, direct, home, type Viewer } from "./viewer.ts";

/** How many messages somebody has not seen yet, in one of their places. */
export type Unread = (user: string, place: string) => number;

/** The switch for who I am. */
export function peopleSwitch(viewer: Viewer, people: readonly SandboxUser[], unread: Unread): Html {
  const item = ({ id, name }: SandboxUser) => {
    const waiting = unread(id, direct);
    return html`<li><a href="${addressOf(id, viewer.place, viewer.at)}" data-go="as"${attributes({ "aria-current": id === viewer.as.id ? "true" : undefined })}>
      <span class="avatar ${name}" aria-hidden="true">${initials(name)}</span>${name}${badge(waiting)}</a></li>`;
  };
  return html`<nav class="people" aria-label="Who I am"><ul>${people.map(item)}</ul></nav>`;
}

function initials(name: string): string {
  return name
    .split("-")
    .map((word) => word[0] ?? "")
    .join("");
}

function badge(count: number): Html | false {
  return (
    count > 0 &&
    html` <span class="badge"><span aria-hidden="true">${count}</span><span class="quiet">, ${count} new</span></span>`
  );
}

/** The channels and conversations of a person. */
export function placesNav(viewer: Viewer, channels: readonly SandboxChannel[], unread: Unread): Html {
  const user = viewer.as.id;
  const item = (place: string, name: string) => {
    const here = place === viewer.place;
    return html`<li><a href="${addressOf(user, place, viewer.at)}" data-go="in"${attributes({ "aria-current": here ? "page" : undefined })}>${name}${!here && badge(unread(user, place))}</a></li>`;
  };
  const open = channels.filter(({ directWith, members }) => directWith === undefined && members.includes(user));
  return html`<nav class="places" aria-label="Channels and messages">
    <h2>Channels</h2><ul>${open.map(({ id, name }) => item(id, `# ${name}`))}</ul>
    <h2>Apps</h2><ul>${item(direct, "eks-access")}${item(home, "eks-access: Home")}</ul>
  </nav>`;
}

/** How a place is called. */
export function titleOf(place: string, channels: readonly SandboxChannel[]): string {
  if (place === direct) return "direct messages with eks-access";
  if (place === home) return "the Home tab of eks-access";
  return `#${channels.find(({ id }) => id === place)?.name ?? place}`;
}
