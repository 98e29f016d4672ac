import type { WebClient } from "@slack/web-api";
import type { Config } from "../../config/config.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { RecordContext } from "../../ledger/lifecycle.ts";
import type { Message } from "../blocks/message.ts";
import type { Directory } from "../people/directory.ts";

/** What the messenger is given. */
export interface MessengerContext<Uses = Ledger> extends RecordContext<Uses> {
  readonly config: Config;
  readonly client: WebClient;
  readonly directory: Directory;
}

/** A message as the Web API takes it. */
export function sent({ text, blocks }: Message) {
  return { text, blocks: [...blocks] };
}
