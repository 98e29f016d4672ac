import { randomBytes } from "node:crypto";
import type { SandboxAnswer } from "../http-server.ts";
import { isObject, type JsonObject, objectAt, parseJson, textAt } from "../json.ts";
import type { Acknowledgement } from "./delivery.ts";
import type { CommandAnswer, SandboxMessage, SandboxView } from "./inputs.ts";
import { messageContent, textOf } from "./message-content.ts";
import { SlackRefusal } from "./method.ts";
import { closeViews, makeView, replaceView } from "./open-views.ts";
import { addMessage, editMessage, findMessage, type ResponseUrl, type SlackState } from "./state.ts";

/** @see https://docs.slack.dev/interactivity/handling-user-interaction#message_responses */
const lifetime = 30 * 60_000;
const maxUses = 5;

export function newResponseUrl(state: SlackState, of: Pick<ResponseUrl, "user" | "channel" | "message">): string {
  const path = `/actions/${state.identity.teamId}/${randomBytes(6).readUIntBE(0, 6)}/${randomBytes(12).toString("hex")}`;
  state.responseUrls.set(path, {
    ...of,
    uses: 0,
    made: new Set(),
    expires: new Date(state.now().getTime() + lifetime),
  });
  return path;
}

/** Handles the app's request to a response URL. Unlike the Web API, it refuses with a status other than 200. */
export function answerResponse(state: SlackState, path: string, body: string): SandboxAnswer {
  const url = state.responseUrls.get(path);
  if (url === undefined) return refused(404, "no_service");
  if (state.now() > url.expires) return refused(404, "expired_url");
  if (url.uses >= maxUses) return refused(404, "used_url");
  const sent = parseJson(body);
  if (!isObject(sent)) return refused(400, "invalid_payload");
  try {
    respond(state, url, sent);
    url.uses += 1;
    return { status: 200, body: JSON.stringify({ ok: true }) };
  } catch (error) {
    if (error instanceof SlackRefusal) return refused(400, error.error);
    throw error;
  }
}

function respond(state: SlackState, url: ResponseUrl, sent: JsonObject): void {
  const original = url.message && findMessage(state, url.message.channel, url.message.ts);
  const content = messageContent(sent);
  if (original && isTrue(sent.replace_original)) editMessage(state, original, content);
  else addResponse(state, url, sent, content);
}

function addResponse(
  state: SlackState,
  to: ResponseUrl,
  sent: JsonObject,
  content: Pick<SandboxMessage, "text" | "blocks">,
): SandboxMessage {
  const thread = textAt(sent, "thread_ts");
  const message = { channel: to.channel, ...content, ...(thread ? { thread_ts: thread } : {}), ephemeralTo: to.user };
  return addMessage(state, message, to);
}

const isTrue = (value: unknown) => value === true || value === "true";

function refused(status: number, error: string): SandboxAnswer {
  return { status, body: JSON.stringify({ ok: false, error }) };
}

/** @param path of the response URL; absent: the action has none */
export function plainAnswer(ack: Acknowledgement, state: SlackState, path = ""): CommandAnswer {
  const { status, milliseconds, error } = ack;
  const made = state.responseUrls.get(path)?.made;
  const seen = () => state.messages.filter(({ ts, ephemeralTo }) => ephemeralTo !== undefined && made?.has(ts));
  return { status, milliseconds, text: "", seen, errors: {}, ...(error ? { error } : {}) };
}

/** A command's acknowledgement can itself be a message, as text or JSON. */
export function takeCommandAnswer(state: SlackState, path: string, ack: Acknowledgement): CommandAnswer {
  const answer = plainAnswer(ack, state, path);
  const to = state.responseUrls.get(path);
  const sent: JsonObject = isObject(ack.body) ? ack.body : { text: ack.body };
  if (!to || ack.error || ack.body === undefined || Object.keys(sent).length === 0) return answer;
  try {
    const message = addResponse(state, to, sent, messageContent(sent));
    return { ...answer, message, text: textOf(message) };
  } catch (error) {
    if (error instanceof SlackRefusal) return { ...answer, error: "invalid_command_response" };
    throw error;
  }
}

/** An invalid answer leaves the view open with an error. @see https://docs.slack.dev/surfaces/modals#response_actions */
export function takeSubmissionAnswer(
  state: SlackState,
  user: string,
  view: SandboxView,
  ack: Acknowledgement,
): CommandAnswer {
  const answer = plainAnswer(ack, state);
  if (ack.error) return answer;
  try {
    return { ...answer, errors: respondToSubmission(state, user, view, isObject(ack.body) ? ack.body : {}) };
  } catch (error) {
    if (error instanceof SlackRefusal) return { ...answer, error: "dispatch_unknown_error" };
    throw error;
  }
}

function respondToSubmission(state: SlackState, user: string, view: SandboxView, answer: JsonObject) {
  const action = textAt(answer, "response_action");
  if (action === "errors") return showErrors(state, view, objectAt(answer, "errors"));
  if (action === "update") replaceView(state, makeView(state, answer.view, view));
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
