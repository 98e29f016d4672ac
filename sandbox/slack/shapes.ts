import type { JsonObject } from "../json.ts";
import type { Inputs, SlackBlock } from "./inputs.ts";

/** A message as one of the people sees it at one moment. A later change makes a new value, never changes this one. */
export interface SandboxMessage {
  channel: string;
  /** Slack's id of a message in its channel: seconds and microseconds, `1700000000.000100`. */
  ts: string;
  /** Who wrote it. */
  user: string;
  text: string;
  blocks: readonly SlackBlock[];
  thread_ts?: string;
  /** How often it was changed since it was posted. */
  edits: number;
  /** The one person who sees it, for an ephemeral message. */
  ephemeralTo?: string;
}

/** A modal or a Home tab. */
export interface SandboxView {
  id: string;
  type: "modal" | "home";
  hash: string;
  title: string;
  callback_id: string;
  private_metadata: string;
  blocks: readonly SlackBlock[];
  /** The view as the app gave it, with Slack's ids. */
  json: JsonObject;
  /** The values of its inputs now. */
  inputs: Inputs;
  /** What the app refused at the last submission, by block_id. */
  errors: Readonly<Record<string, string>>;
  /** How often the app changed it while it was open. */
  updates: number;
}

export interface SandboxChannel {
  id: string;
  name: string;
  /** User ids, the bot's among them when the app is in the channel. */
  members: readonly string[];
  archived: boolean;
  private: boolean;
  /** A direct conversation of the bot with this person. */
  directWith?: string;
}

export interface SandboxUser {
  id: string;
  /** The role that the person plays: "engineer", "approver", "second-approver", "on-call". */
  name: string;
  email: string;
  /** IANA name. */
  timezone: string;
}

/** What a person sees after a command, a click or a submission. */
export interface CommandAnswer {
  /** The HTTP status of the app's acknowledgement; 200 for one over the socket; 0 when none came in time. */
  status: number;
  /** From sending to the acknowledgement. */
  milliseconds: number;
  /** What Slack shows the person when it did not work: `operation_timeout` after 3 s, `dispatch_failed` for a status other than 2xx. */
  error?: "operation_timeout" | "dispatch_failed" | "dispatch_unknown_error" | "invalid_command_response";
  /** The message in the acknowledgement itself, if any. */
  message?: SandboxMessage;
  /** All visible text of that message, or an empty text. */
  text: string;
  /** The errors that a submission brought, by block_id: the app's, or Slack's own where a required field is empty. */
  errors: Readonly<Record<string, string>>;
}
