import type { SandboxCall } from "../http-server.ts";
import type { KubectlAnswer, Sandbox } from "../sandbox.ts";
import { channel } from "../scene.ts";
import type { SandboxMessage } from "../slack/inputs.ts";
import { textOf, wholeTextOf } from "../slack/message-content.ts";

export type Narration = ReturnType<typeof narrate>;

export type Terminal = { write: (text: string) => void; readonly colour: boolean };

export function narrate({ write, colour }: Terminal) {
  const paint = (codes: string, text: string) => (colour ? `\u001b[${codes}m${text}\u001b[0m` : text);
  let steps = 0;
  let began = performance.now();
  let calls: SandboxCall[] = [];
  return {
    step: (title: string) => {
      if (steps === 0) calls = [];
      steps += 1;
      began = performance.now();
      write(`\n${paint("1", `${steps}. ${title}`)}\n`);
    },
    line: (text: string) => write(`   ${text}\n`),
    block: (text: string) =>
      write(
        `${text
          .split("\n")
          .map((line) => `   ${paint("2", "│")} ${paintLine(paint, line)}`)
          .join("\n")}\n`,
      ),
    called: (call: SandboxCall) => void calls.push(call),
    /** Prints the calls since the last printed one, and the step's time: a worker can begin before the step that shows its work. */
    calls: (matching: (call: SandboxCall) => boolean) => {
      for (const each of calls.filter(matching)) {
        const ms = `${each.milliseconds.toFixed(0)} ms`.padStart(7);
        const by = each.by ? `  as ${each.by}` : "";
        write(`   ${paint("2", `→ ${each.call.padEnd(40)} ${each.status} ${ms}${by}`)}\n`);
      }
      calls = [];
      write(`   ${paint("2", `took ${((performance.now() - began) / 1000).toFixed(1)} s`)}\n`);
    },
  };
}

function paintLine(paint: (codes: string, text: string) => string, line: string): string {
  if (/^\+(?!\+\+)/.test(line)) return paint("32", line);
  if (/^-(?!--)/.test(line)) return paint("31", line);
  return line;
}

/** What the people of the story do and see, and what must be true. Each way throws an Error of the present step. */
export type Telling = ReturnType<typeof tellingOf>;

export function tellingOf(sandbox: Sandbox, narration: Narration) {
  const { slack } = sandbox;
  let title = "";
  const expectThat = (condition: boolean, expected: string, found: string): void => {
    if (!condition) throw new Error(`${title}: expected ${expected}, found ${found}`);
  };
  /** Waits for something in the workspace. */
  const within = <T>(find: () => T | undefined, ms = 15_000): Promise<T> =>
    slack.until(find, ms).catch((cause: unknown) => {
      const found = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${title}: expected it to come about in time, found ${found}`, { cause });
    });
  const holding = (texts: readonly string[], read: typeof textOf) => (message: SandboxMessage) =>
    texts.every((each) => read(message).includes(each));
  /** Types a line into the channel. */
  const say = (user: string, line: string) => {
    narration.line(line);
    return slack.person(user).command(line, channel);
  };
  /** The newest message of the channel with all of these texts. */
  const message = (texts: readonly string[], ms?: number) =>
    within(() => slack.messages(channel).findLast(holding(texts, wholeTextOf)), ms);
  return {
    ...narration,
    step: (text: string) => {
      title = text;
      narration.step(text);
    },
    expectThat,
    within,
    say,
    message,
    /** The newest direct message to the engineer with all of these texts. */
    directMessage: async (...texts: readonly string[]) =>
      textOf(await within(() => slack.person("U0ENGINEER").directMessages().findLast(holding(texts, textOf)))),
    /** An answer that only this person sees. */
    answer: async (user: string, text: string) =>
      textOf(
        await within(() =>
          slack
            .person(user)
            .ephemerals()
            .find(holding([text], textOf)),
        ),
      ),
    /** Asks, and an approver clicks. */
    getApproved: async (line: string, reason: string) => {
      await say("U0ENGINEER", line);
      await slack.person("U0APPROVER").click(await message([reason, "[Approve]"]), "approve");
    },
    /** The engineer ends what this text is about. The message of the end. */
    revoke: async (reason: string, shown: string) => {
      await say("U0ENGINEER", `/eks-access revoke ${/r-[a-z0-9]{8}/.exec(shown)?.[0]} done`);
      return textOf(await message([reason, "*Ended*"]));
    },
    /** Shows the answer of kubectl, which must have this text. @param as who asks, in the words of the story */
    kubectl: ({ output }: KubectlAnswer, as: string, wanted: string) => {
      narration.line(`$ kubectl get pods    # ${as}`);
      narration.block(output);
      expectThat(output.includes(wanted), wanted, output);
    },
  };
}
