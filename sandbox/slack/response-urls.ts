import { randomBytes } from "node:crypto";
import type { SandboxAnswer } from "../http-server.ts";
import { isObject, type JsonObject, parseJson, textAt } from "../json.ts";
import { messageContent } from "./message-content.ts";
import { SlackRefusal } from "./methods/method.ts";
import type { SandboxMessage } from "./shapes.ts";
import { addMessage, editMessage, findMessage, type ResponseUrl, type SlackState } from "./state.ts";

/** @see https://docs.slack.dev/interactivity/handling-user-interaction#message_responses */
const lifetime = 30 * 60_000;
const maxUses = 5;

export function newResponseUrl(
  state: SlackState,
  of: { user: string; channel: string; message?: { channel: string; ts: string } },
): string {
  const path = `/actions/${state.identity.teamId}/${randomBytes(6).readUIntBE(0, 6)}/${randomBytes(12).toString("hex")}`;
  state.responseUrls.set(path, { ...of, uses: 0, expires: new Date(state.now().getTime() + lifetime) });
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

export function addResponse(
  state: SlackState,
  to: { user: string; channel: string },
  sent: JsonObject,
  content: Pick<SandboxMessage, "text" | "blocks">,
): SandboxMessage {
  const thread = textAt(sent, "thread_ts");
  return addMessage(state, {
    channel: to.channel,
    ...content,
    ...(thread ? { thread_ts: thread } : {}),
    ephemeralTo: to.user,
  });
}

const isTrue = (value: unknown) => value === true || value === "true";

function refused(status: number, error: string): SandboxAnswer {
  return { status, body: JSON.stringify({ ok: false, error }) };
}
