import type { SlackState } from "./state.ts";
import { textOf } from "./text-of.ts";

/** What the workspace shows now, for the message of a test that waited in vain. */
export function describeState(state: SlackState): string {
  const messages = state.messages.map((message) => {
    const to = message.ephemeralTo ? `, seen by ${message.ephemeralTo} alone` : "";
    return `- in ${message.channel}${to}: ${textOf(message).replaceAll("\n", "\n    ")}`;
  });
  const views = [...state.views].flatMap(([user, stack]) =>
    stack.map((view) => `- open for ${user}: ${textOf(view).replaceAll("\n", "\n    ")}`),
  );
  const all = [...messages, ...views];
  return all.length === 0 ? "The workspace shows nothing." : `The workspace shows:\n${all.join("\n")}`;
}
