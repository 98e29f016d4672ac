#!/usr/bin/env node
import type { ProcessKind } from "../config/environment.ts";
import { AccessError, explain } from "../failure/access-error.ts";
import { processIo } from "./process-io.ts";
import { listenForStop } from "./until-stopped.ts";

/** Each command is loaded only when it is called: `check` in a pipeline must not wait for the Slack and AWS clients. */
const commands: Readonly<Record<string, { does: string; run: (argv: readonly string[]) => Promise<number> }>> = {
  slack: { does: "talks to Slack", run: () => serveAndExit("slack") },
  worker: { does: "works on the clusters", run: () => serveAndExit("worker") },
  all: { does: "slack and worker in one process, to try it", run: () => serveAndExit("all") },
  check: {
    does: "checks an aws-auth document",
    run: async (argv) => (await import("./check.ts")).runCheck(argv, processIo()),
  },
  plan: {
    does: "plans a change of an aws-auth document",
    run: async (argv) => (await import("./plan.ts")).runPlan(argv, processIo()),
  },
  audit: {
    does: "verifies or shows the audit log",
    run: async (argv) => (await import("./audit.ts")).audit(argv, processIo()),
  },
  policy: {
    does: "tests the policy, or says which rule decides",
    run: async (argv) => (await import("./policy.ts")).runPolicy(argv, processIo()),
  },
  recover: {
    does: "rebuilds the grants of a lost ledger from the clusters",
    run: async (argv) => (await import("./recover.ts")).recover(argv, processIo()),
  },
  migrate: {
    does: "plans the move of a cluster to access entries",
    run: async (argv) => (await import("./migrate.ts")).migrate(argv, processIo()),
  },
  rescue: {
    does: "lets a role into a cluster whose aws-auth is broken, and mends it",
    run: async (argv) => (await import("./rescue.ts")).runRescue(argv, processIo()),
  },
  retire: {
    does: "closes what is open of a cluster that was deleted",
    run: async (argv) => (await import("./retire.ts")).retire(argv, processIo()),
  },
  keys: {
    does: "makes the keys of both processes",
    run: async (argv) => (await import("./keys.ts")).runKeys(argv, processIo()),
  },
  doctor: {
    does: "says what a process lacks, and how to mend it",
    run: async (argv) => (await import("./doctor.ts")).doctor(argv, processIo()),
  },
  demo: {
    does: "a sandbox to play in, or the whole story",
    run: async (argv) => (await import("./demo.ts")).demo(argv),
  },
};

/** What was handed back at the end may still wait for an answer: it must not keep the process. */
async function serveAndExit(kind: ProcessKind): Promise<never> {
  const stop = listenForStop();
  const { serve } = await import("./serve.ts");
  process.exit(await serve(kind, stop));
}

const usage = `Usage: eks-access <command>

${Object.entries(commands)
  .map(([name, { does }]) => `  ${name.padEnd(9)}${does}`)
  .join("\n")}
`;

const [name = "help", ...argv] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command) {
  try {
    process.exitCode = await command.run(argv);
  } catch (error) {
    process.stderr.write(`eks-access ${name}: ${explain(error)}\n`);
    if (!(error instanceof AccessError)) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    // What was opened before the failure, Redis above all, would keep the process alive, and nobody would start it again.
    process.exit(2);
  }
} else {
  const asked = ["help", "--help", "-h"].includes(name);
  (asked ? process.stdout : process.stderr).write(
    asked ? usage : `eks-access: there is no command ${name}.\n\n${usage}`,
  );
  process.exitCode = asked ? 0 : 2;
}
