import { readReason } from "../access/ask/read-part.ts";
import { isUser } from "../access/policy/rule.ts";
import { personPattern } from "../access/verify-log.ts";
import { counted } from "../diagnosis/link.ts";
import { redisAuditLog } from "../ledger/audit-log.ts";
import { redisPersonData } from "../ledger/person-data.ts";
import { type ErasureResult, erasePerson } from "../worker/upkeep/erase-person.ts";
import { text, texts } from "./option-kinds.ts";
import { type CommandIo, cliCommand, needs, readArguments, taken } from "./process-io.ts";
import { readCommandSettings, withWorkerContext } from "./settings.ts";

const eraseUsage = "Usage: eks-access audit erase SLACK-USER --by SLACK-USER --why TEXT [--also TEXT]…";

export const erase = cliCommand("audit erase", eraseUsage, async (argv, io) => {
  const options = readEraseOptions(argv);
  const settings = await readCommandSettings("worker");
  const refused = { type: "refused", message: "eks-access.yml names them: remove them there first." } as const;
  const result: ErasureResult = options.person.test(settings.text)
    ? refused
    : await withWorkerContext(settings, (context, redis) => {
        return erasePerson({ ...context, auditLog: redisAuditLog(redis), personData: redisPersonData(redis) }, options);
      });
  return printResult(options.user, result, io);
});

function printResult(user: string, result: ErasureResult, io: CommandIo): number {
  if (result.type === "refused") {
    io.stderr(`Erased nothing of ${user}. ${result.message}\n`);
    return 1;
  }
  const { events, records, kept } = result;
  const what = `Erased ${user} in ${counted(events, "event")}, and removed ${counted(records, "record")}.`;
  io.stdout(events + records > 0 ? `${what}\n` : `Redis has nothing of ${user}.\n`);
  io.stdout("Slack, logs, sinks, exports and backups still name them.\n");
  if (kept.length === 0) return 0;
  io.stderr(`Kept for now: ${kept.join(", ")}. Run it again in a day. A cluster's newest migration stays.\n`);
  return 1;
}

/** The shortest text that can recognise a person. */
const shortest = 5;

function readEraseOptions(argv: readonly string[]) {
  const { values, positionals } = readArguments(argv, { by: text, why: text, also: texts });
  const [user = "", ...rest] = positionals;
  const { by = "", why = "", also = [] } = values;
  if (!isUser(user) || rest.length > 0) needs("one person by their Slack user id (U…)");
  if (!isUser(by)) needs("your Slack user id (U…) with --by");
  if (also.some((each) => each.trim().length < shortest)) needs(`--also at least ${shortest} characters`);
  const person = personPattern([user, ...also.map((each) => each.trim())]);
  if (!why || person.test(`${by} ${why}`)) needs("a --why and a --by that don't name the person");
  return { user, person, by, why: taken(readReason(why)) };
}
