import { createInterface } from "node:readline/promises";
import type { Sandbox } from "../sandbox.ts";
import { arns, channel, clusterName } from "../scene.ts";
import { textOf } from "../slack/text-of.ts";
import { documentOf } from "./story.ts";

/** What can be typed after `npm run demo -- --stay`. */
const playHelp = `Everything is still running. Type as one of the people, for example:
   engineer /eks-access request ${clusterName} ${arns.engineer} viewer for 1m try it
   approver approve          (or deny; second-approver may, too)
   engineer /eks-access whoami
   pods                      kubectl get pods as the engineer
   aws-auth                  the document as it is now
   messages                  what #cluster-access shows
   quit
`;

/** Reads lines until `quit`, the end of the input, or a signal. */
export async function playOn(sandbox: Sandbox, write: (text: string) => void, signal: AbortSignal): Promise<void> {
  write(playHelp);
  const lines = createInterface({ input: process.stdin, terminal: process.stdin.isTTY === true });
  signal.addEventListener("abort", () => lines.close(), { once: true });
  const stopTelling = tellEphemerals(sandbox, write);
  try {
    for await (const line of lines) {
      if (line.trim() === "quit") return;
      await act(sandbox, line.trim(), write).catch((error: unknown) => {
        write(`${error instanceof Error ? error.message : String(error)}\n`);
      });
    }
    // Without a terminal the input is over at once; what was left running is there until it is told to stop.
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  } finally {
    stopTelling();
    lines.close();
  }
}

async function act(sandbox: Sandbox, line: string, write: (text: string) => void): Promise<void> {
  if (line === "pods") return write(`${(await sandbox.getPods()).output}\n`);
  if (line === "aws-auth") return write(`${documentOf(sandbox)}\n`);
  if (line === "messages") return write(`${sandbox.slack.messages(channel).map(textOf).join("\n\n")}\n`);
  const [name = "", ...rest] = line.split(" ");
  const person = sandbox.slack.people.find((each) => each.name === name);
  if (!person) return write(playHelp);
  const text = rest.join(" ");
  if (text.startsWith("/")) {
    await sandbox.slack.person(person.id).command(text, channel);
    return;
  }
  const asked = sandbox.slack.messages(channel).findLast((message) => textOf(message).includes("[Approve]"));
  if (!asked) return write("Nobody is asking for anything.\n");
  await sandbox.slack.person(person.id).click(asked, text);
}

/** Prints what only one person sees, as it comes. */
function tellEphemerals(sandbox: Sandbox, write: (text: string) => void): () => void {
  const told = new Map(sandbox.slack.people.map(({ id }) => [id, sandbox.slack.person(id).ephemerals().length]));
  return sandbox.slack.onChange(() => {
    for (const { id, name } of sandbox.slack.people) {
      const all = sandbox.slack.person(id).ephemerals();
      for (const message of all.slice(told.get(id) ?? 0)) write(`(only ${name} sees this)\n${textOf(message)}\n`);
      told.set(id, all.length);
    }
  });
}
