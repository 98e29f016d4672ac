import type { Message } from "../blocks/message.ts";
import { section } from "../blocks/mrkdwn.ts";
import type { Home } from "./home-view.ts";

/** What is shown while the ledger does not answer: nothing that may not be true. */
export function unknownHomeView(sentence: string): Home {
  return sentenceView(`:warning: ${sentence} Open this again in a minute.`);
}

/** What a person is shown who may not use the bot: why, and nothing else. */
export function refusedHomeView({ text }: Message): Home {
  return sentenceView(text);
}

function sentenceView(sentence: string): Home {
  return {
    type: "home",
    blocks: [{ type: "header", text: { type: "plain_text", text: "Access to EKS clusters" } }, section(sentence)],
  };
}
