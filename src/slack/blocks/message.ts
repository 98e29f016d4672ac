import type { KnownBlock } from "@slack/types";

/** What is sent to Slack: blocks, and the same in one line for notifications and screen readers. */
export interface Message {
  readonly text: string;
  readonly blocks: readonly KnownBlock[];
}
