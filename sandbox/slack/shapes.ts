import type { JsonObject } from "../json.ts";
import type { Inputs, SlackBlock } from "./inputs.ts";

/** A message as one person sees it at one moment. A change makes a new value. */
export interface SandboxMessage {
  channel: string;
  /** Slack's id of a message in its channel: seconds and microseconds, `1700000000.000100`. */
  ts: string;
  user: string;
  text: string;
  blocks: readonly SlackBlock[];
  thread_ts?: string;
  edits: number;
  /** The only person who sees an ephemeral message. */
  ephemeralTo?: string;
}

export interface SandboxView {
  id: string;
  type: "modal" | "home";
  hash: string;
  title: string;
  callback_id: string;
  private_metadata: string;
  blocks: readonly SlackBlock[];
  /** The app's view, with Slack's ids. */
  json: JsonObject;
  inputs: Inputs;
  /** The app's errors at the last submission, by block_id. */
  errors: Readonly<Record<string, string>>;
  /** How often the app changed it while it was open. */
  updates: number;
}

export interface SandboxChannel {
  id: string;
  name: string;
  /** User ids, also the bot's if the app is in the channel. */
  members: readonly string[];
  archived: boolean;
  private: boolean;
  /** The person in a direct conversation with the bot. */
  directWith?: string;
}

export interface SandboxUser {
  id: string;
  /** The person's role: "engineer", "approver", "second-approver", "on-call". */
  name: string;
  email: string;
  /** IANA name. */
  timezone: string;
}

/** What a person sees after a command, a click or a submission. */
export interface CommandAnswer {
  /** The HTTP status of the app's acknowledgement; 200 over the socket; 0: none in time. */
  status: number;
  milliseconds: number;
  /** Slack's error for the person: `operation_timeout` after 3 s, `dispatch_failed` for a status other than 2xx. */
  error?: "operation_timeout" | "dispatch_failed" | "dispatch_unknown_error" | "invalid_command_response";
  message?: SandboxMessage;
  text: string;
  /** The errors of a submission, by block_id: the app's, or Slack's own for an empty required field. */
  errors: Readonly<Record<string, string>>;
}
