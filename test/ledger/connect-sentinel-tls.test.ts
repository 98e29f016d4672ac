import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { aLedgerOn, asAdministrator } from "./a-ledger-on.ts";
import { type ATlsServer, aTlsServer } from "./a-tls-server.ts";
import { askAWorker } from "./ask-a-worker.ts";

const portOf = ({ url }: ATlsServer) => new URL(url).port;

test("the ledger and the queues find their master by Sentinels that speak TLS, as they do to the master", async () => {
  const master = await aTlsServer();
  const watching = [
    `tls-ca-cert-file "${master.caFile}"`,
    "tls-replication yes",
    `sentinel monitor mymaster 127.0.0.1 ${portOf(master)} 1`,
  ];
  const sentinel = await aTlsServer(watching, { sentinel: true });
  await asAdministrator(sentinel.server.url, async (redis) => {
    while (!(await redis.info("sentinel")).includes("status=ok")) await pause(20);
  });
  // Two authorities in one file: the Sentinels and the servers need not have the same one.
  const caFile = `${master.caFile}.both`;
  await writeFile(caFile, await Promise.all([master.caFile, sentinel.caFile].map((file) => readFile(file))));
  const url = `rediss+sentinel://127.0.0.1:${portOf(sentinel)}/mymaster`;
  const { ledger, close } = await aLedgerOn({ url, access: { caFile } }, []);

  const committed = await ledger.commit(aChange(aRequest()));
  const answer = await askAWorker(url, { caFile });
  await close();
  await Promise.all([sentinel.server.stop(), master.server.stop()]);

  expect(committed).toEqual({ type: "committed" });
  expect(answer).toBe("looked at staging");
});
