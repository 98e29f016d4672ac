import type { Surface } from "../../../sandbox/page/blocks/controls.ts";
import type { Reader } from "../../../sandbox/page/blocks/mrkdwn.ts";
import type { SandboxUser } from "../../../sandbox/slack/inputs.ts";

const user = (id: string, name: string, timezone: string): SandboxUser => ({
  id,
  name,
  timezone,
  email: `${name}@example.com`,
});

export const engineer = user("U0ENGINEER", "engineer", "Europe/Zurich");
export const approver = user("U0APPROVER", "approver", "Asia/Tokyo");

/** The engineer at noon in Greenwich. */
export function aReader(change: Partial<Reader> = {}): Reader {
  return {
    user: engineer,
    people: [engineer, approver],
    channels: [{ id: "C0ACCESS", name: "cluster-access", members: [], archived: false, private: false }],
    now: new Date("2030-05-06T12:00:00Z"),
    ...change,
  };
}

export function aSurface(change: Partial<Surface> = {}): Surface {
  return { reader: aReader(), id: "m-1", address: { as: "U0ENGINEER", ts: "1" }, inputs: {}, errors: {}, ...change };
}
