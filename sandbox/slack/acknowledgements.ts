import { isObject, type JsonObject, objectAt, textAt } from "../json.ts";
import type { Acknowledgement } from "./delivery.ts";
import { messageContent, textOf } from "./message-content.ts";
import { SlackRefusal } from "./methods/method.ts";
import { closeViews, makeView, pushView, replaceView } from "./open-views.ts";
import { addResponse } from "./response-urls.ts";
import type { CommandAnswer, SandboxView } from "./shapes.ts";
import type { SlackState } from "./state.ts";

export function plainAnswer(ack: Acknowledgement): CommandAnswer {
  const { status, milliseconds, error } = ack;
  return { status, milliseconds, text: "", errors: {}, ...(error ? { error } : {}) };
}

/** A command's acknowledgement can itself be a message, as text or JSON. */
export function takeCommandAnswer(
  state: SlackState,
  to: { user: string; channel: string },
  ack: Acknowledgement,
): CommandAnswer {
  const answer = plainAnswer(ack);
  const sent: JsonObject = isObject(ack.body) ? ack.body : { text: ack.body };
  if (ack.error || ack.body === undefined || Object.keys(sent).length === 0) return answer;
  try {
    const message = addResponse(state, to, sent, messageContent(sent));
    return { ...answer, message, text: textOf(message) };
  } catch (error) {
    if (error instanceof SlackRefusal) return { ...answer, error: "invalid_command_response" };
    throw error;
  }
}

/**
 * A submission's acknowledgement closes the view, changes it, or has its errors. An invalid answer leaves the view open
 * and shows an error. @see https://docs.slack.dev/surfaces/modals#response_actions
 */
export function takeSubmissionAnswer(
  state: SlackState,
  user: string,
  view: SandboxView,
  ack: Acknowledgement,
): CommandAnswer {
  const answer = plainAnswer(ack);
  if (ack.error) return answer;
  try {
    const errors = respondToSubmission(state, user, view, isObject(ack.body) ? ack.body : {});
    return { ...answer, errors };
  } catch (error) {
    if (error instanceof SlackRefusal) return { ...answer, error: "dispatch_unknown_error" };
    throw error;
  }
}

function respondToSubmission(
  state: SlackState,
  user: string,
  view: SandboxView,
  answer: JsonObject,
): Readonly<Record<string, string>> {
  const action = textAt(answer, "response_action");
  if (action === "errors") return showErrors(state, view, objectAt(answer, "errors"));
  if (action === "update") replaceView(state, makeView(state, answer.view, view));
  else if (action === "push") pushView(state, user, makeView(state, answer.view));
  else closeViews(state, user, action === "clear");
  return {};
}

/** Slack shows errors only beside inputs; any other error is an invalid answer. */
function showErrors(state: SlackState, view: SandboxView, given: JsonObject): Readonly<Record<string, string>> {
  const inputs = view.blocks.filter((block) => block.type === "input").map((block) => block.block_id);
  const errors: Record<string, string> = {};
  for (const [blockId, text] of Object.entries(given)) {
    if (!inputs.includes(blockId) || typeof text !== "string") throw new SlackRefusal("invalid_errors");
    errors[blockId] = text;
  }
  replaceView(state, { ...view, errors });
  return errors;
}
