import { section } from "../mrkdwn.ts";
import type { Home } from "./home-view.ts";

/** What is shown while the ledger does not answer: nothing that may not be true. */
export function unknownHomeView(sentence: string): Home {
  return {
    type: "home",
    blocks: [
      { type: "header", text: { type: "plain_text", text: "Access to EKS clusters" } },
      section(`:warning: ${sentence} Open this again in a minute.`),
    ],
  };
}
