import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AccessError, explainFailure } from "../access/access-error.ts";
import type { ProcessKind } from "../config/key-environment.ts";
import {
  type CliCommand,
  cliCommand,
  endAtCrash,
  listenForStop,
  processIo,
  readOnlyOptions,
  readZones,
  stackOf,
  unwritable,
} from "./process-io.ts";
import type { ServeOptions } from "./serve.ts";

const sandbox = fileURLToPath(new URL("../../sandbox/demo/main.ts", import.meta.url));

const demoUsage = `Usage: eks-access demo [--stay] [--port <number>]
       eks-access demo --story

Shows the sandbox as a page, where you can try everything. It needs a clone of the repository, and no account of AWS or
Slack.

  --story          play the whole story in the terminal instead
  --stay           show the page, also with --story
  --port <number>  the page's port; by default 4477, or a free one if that is taken

Example: eks-access demo --story
Exit code: 0 ended, 1 the story or the sandbox failed, 2 unusable input.
`;

/** `eks-access demo`: runs the sandbox of a clone in a separate process. An installed eks-access has no sandbox. */
const demo = cliCommand("demo", demoUsage, async (argv) => {
  if (!existsSync(sandbox)) {
    process.stderr.write("No demo here: run `npm run demo` in a clone.\n");
    return 2;
  }
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), sandbox, ...argv], {
    stdio: "inherit",
  });
  // A terminal sends Ctrl-C to both processes: this one waits until the sandbox has stopped its own.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const [code] = await once(child, "exit");
  return typeof code === "number" ? code : 1;
});

type KnownCommand = { readonly does: string; readonly load: () => Promise<CliCommand> };

/** Each command is loaded only when it is called: `check` in a pipeline must not wait for the Slack and AWS clients. */
const commands: Readonly<Record<string, KnownCommand>> = {
  slack: { does: "runs the Slack process", load: async () => processCommand("slack") },
  worker: { does: "runs the worker", load: async () => runWorker },
  all: { does: "runs both in one process, for a trial", load: async () => processCommand("all") },
  init: {
    does: "finds your clusters, and writes the configuration and the IAM policies",
    load: async () => (await import("./init.ts")).runInit,
  },
  check: { does: "checks an aws-auth document", load: async () => (await import("./check.ts")).runCheck },
  plan: { does: "plans a change of an aws-auth document", load: async () => (await import("./plan.ts")).runPlan },
  audit: {
    does: "verifies, prints or reviews the audit log, and erases a person's data",
    load: async () => (await import("./audit.ts")).audit,
  },
  policy: {
    does: "tests the policy, or explains which rule decides",
    load: async () => (await import("./policy.ts")).runPolicy,
  },
  recover: {
    does: "reads the leases of a lost ledger back from the clusters",
    load: async () => (await import("./recover.ts")).recover,
  },
  migrate: {
    does: "plans the migration of a cluster to access entries, and carries it out",
    load: async () => (await import("./migrate.ts")).runMigrate,
  },
  rescue: {
    does: "gives a role access to a cluster with a broken aws-auth, and repairs it",
    load: async () => (await import("./rescue.ts")).runRescue,
  },
  bootstrap: {
    does: "lets the operator into a cluster, so that no run becomes the creator",
    load: async () => (await import("./bootstrap.ts")).runBootstrap,
  },
  retire: {
    does: "closes the requests and leases of a deleted cluster",
    load: async () => (await import("./retire.ts")).retire,
  },
  keys: { does: "makes new keys for both processes", load: async () => (await import("./keys.ts")).runKeys },
  doctor: {
    does: "checks everything that a process needs, and says how to fix what is missing",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  demo: { does: "runs the sandbox of a clone, or plays the whole story", load: async () => demo },
};

function processCommand(kind: "slack" | "all"): CliCommand {
  const usage = `Usage: eks-access ${kind}

Run it in an environment with the variables of docs/configuration.md and eks-access.yml. SIGTERM or Ctrl-C stops it,
a second one at once.

Example: EKS_ACCESS_CONFIG=/etc/eks-access.yml eks-access ${kind}
Exit code: 0 stopped, 1 something unexpected failed, 2 unusable input.
`;
  return cliCommand(kind, usage, async (argv) => {
    readOnlyOptions(argv, {});
    return serveAndExit(kind);
  });
}

const workerUsage = `Usage: eks-access worker [--zone NAME]…

Run it in an environment with the variables of docs/configuration.md and eks-access.yml. SIGTERM or Ctrl-C stops it,
a second one at once.

  --zone NAME  serve the clusters of this zone of eks-access.yml; repeatable. By default: the clusters without a zone

Example: eks-access worker --zone eu-private
Exit code: 0 stopped, 1 something unexpected failed, 2 unusable input.
`;

const runWorker = cliCommand("worker", workerUsage, async (argv) => serveAndExit("worker", { zones: readZones(argv) }));

/** Work that was handed back can still wait for an answer: it must not keep the process alive. */
async function serveAndExit(kind: ProcessKind, options: ServeOptions = {}): Promise<never> {
  const stop = listenForStop();
  const { serve } = await import("./serve.ts");
  process.exit(await serve(kind, stop, options));
}

const usage = `Usage: eks-access <command>

${Object.entries(commands)
  .map(([name, { does }]) => `  ${name.padEnd(11)}${does}`)
  .join("\n")}

eks-access <command> --help explains one of them.
`;

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? undefined : end).some((word) => word === "--help" || word === "-h");
}

/** Loads the domain only here: until a process listens for SIGTERM, a container's first process does not hear it. */
async function suggestion(name: string): Promise<string> {
  const { nearest } = await import("../access/ask/read-part.ts");
  const near = nearest(name, Object.keys(commands));
  return near === null ? "" : ` Did you mean ${near}?`;
}

/** package.json is two folders up, next to src and next to dist. */
function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** If a pipe's reader ends first, as `head` does, the command still completes. On a full disk its output would lack its end. */
function withoutReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") return;
  processIo().stderr(`eks-access: ${unwritable("the output", error)}\n`);
  process.exit(2);
}

/** Runs one line of a shell without the program's own name, and returns the exit code. */
export async function runLine([name = "help", ...argv]: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.off("error", withoutReader).on("error", withoutReader);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) return runCommand(name, command, argv);
  if (["--version", "-v", "version"].includes(name)) {
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  if (["help", "--help", "-h"].includes(name)) {
    process.stdout.write(usage);
    return 0;
  }
  processIo().stderr(`eks-access: unknown command ${name}.${await suggestion(name)}\n\n${usage}`);
  return 2;
}

async function runCommand(name: string, command: KnownCommand, argv: readonly string[]): Promise<number> {
  // On Node 20 the AWS SDK asks for 22: the processes say it once, and no output has it in its middle (aws/aws-sdk-js-v3#7983).
  if (!["slack", "worker", "all"].includes(name))
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const run = await command.load();
  if (asksForHelp(argv)) {
    process.stdout.write(`${command.does.charAt(0).toUpperCase()}${command.does.slice(1)}.\n\n${run.usage}`);
    return 0;
  }
  const io = processIo();
  endAtCrash((error) => io.stderr(`eks-access ${name}: ${explainFailure(error)}\n${stackOf(error)}`));
  try {
    return await run(argv, io);
  } catch (error) {
    io.stderr(`eks-access ${name}: ${explainFailure(error)}\n`);
    if (!(error instanceof AccessError)) io.stderr(stackOf(error));
    // An open connection to Redis would keep the process alive, and no supervisor would restart it.
    process.exit(2);
  }
}
