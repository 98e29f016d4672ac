import type { SandboxUser } from "../../slack/shapes.ts";

/** Who looks at the page, and at what: all that a browser's tab chooses for itself. It stands in the page's address. */
export interface Viewer {
  readonly as: SandboxUser;
  /** A channel's id, the direct conversation with the bot, or the app's Home tab. */
  readonly place: string;
  /** The cluster on the right side, by its name. */
  readonly at: string;
}

export const direct = "direct";
export const home = "home";

/** Reads `?as=U0ENGINEER&in=C0ACCESS&at=staging`; what is not known there is the first person, place or cluster. */
export function readViewer(
  query: URLSearchParams,
  known: { people: readonly SandboxUser[]; channels: readonly string[]; clusters: readonly string[] },
): Viewer {
  const [first, ...others] = known.people;
  if (!first) throw new Error("nobody is in the workspace");
  const as = others.find(({ id }) => id === query.get("as")) ?? first;
  const place = query.get("in") ?? "";
  const [channel = direct] = known.channels;
  const [cluster = ""] = known.clusters;
  const at = query.get("at") ?? "";
  return {
    as,
    at: known.clusters.includes(at) ? at : cluster,
    place: [...known.channels, direct, home].includes(place) ? place : channel,
  };
}

/** The page's address for a viewer. */
export function addressOf(user: string, place: string, at: string): string {
  return `/?${new URLSearchParams({ as: user, in: place, at })}`;
}
