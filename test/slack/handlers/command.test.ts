import { expect, test } from "vitest";
import type { SlackContext } from "../../../src/slack/context.ts";
import { handleCommand } from "../../../src/slack/handlers/command.ts";

type Command = Parameters<typeof handleCommand>[1];

/** What is answered to `/eks-access <text>`, by a process that has nothing at hand. */
async function answerTo(text: string): Promise<string> {
  const answers: string[] = [];
  const command = {
    command: { text, user_id: "U0ENGINEER" },
    ack: async () => {},
    respond: async (answer: { text: string }) => void answers.push(answer.text),
  } as unknown as Command;
  await handleCommand({} as SlackContext, command);
  return answers.join("\n");
}

test.each(["constructor", "__proto__", "toString", "hasOwnProperty"])("%s is no command", async (word) => {
  expect(await answerTo(word)).toMatch(/^There is no command `.+`\. See `\/eks-access help`\.$/);
});

test.each(["", "help", "HELP", "  help  me"])("%j is answered with the help", async (text) => {
  expect(await answerTo(text)).toContain("gives you access to an EKS cluster for a time");
});
