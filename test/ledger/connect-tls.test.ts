import { dirname } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explainFailure } from "../../src/access/access-error.ts";
import { connectRedis } from "../../src/ledger/connect.ts";
import { aRequest } from "../builders/a-request.ts";
import { aChange } from "../builders/an-event.ts";
import { aLedgerOn } from "./a-ledger-on.ts";
import type { AServer } from "./a-server.ts";
import { type ATlsServer, aTlsCluster, aTlsServer, writeCertificates } from "./a-tls-server.ts";
import { askAWorker } from "./ask-a-worker.ts";

let server: AServer;
let url: string;
let caFile: string;

beforeAll(async () => {
  ({ server, url, caFile } = await aTlsServer());
});

afterAll(() => server.stop());

test("the queues work over TLS", async () => {
  expect(await askAWorker(url, { caFile })).toBe("looked at staging");
});

test("the ledger and the queues work on a Redis Cluster over TLS, found by a name", async () => {
  const cluster = await aTlsCluster();
  const place = cluster.url;
  const access = { caFile: cluster.caFile };
  const { ledger, close } = await aLedgerOn({ url: place, access }, []);

  const answer = await askAWorker(place, access);
  const committed = await ledger.commit(aChange(aRequest()));
  await close();
  await cluster.server.stop();

  expect(answer).toBe("looked at staging");
  expect(committed).toEqual({ type: "committed" });
});

test("a certificate of an unknown authority is refused, with the remedy", async () => {
  const failure = await connectRedis(url).catch((error: unknown) => error);

  expect(explainFailure(failure)).toBe(
    `The certificate of Redis at ${url}/0 is not trusted. Set REDIS_CA_FILE; use the certificate's host.`,
  );
});

test("an unreadable authority is reported by the variable's name, before anything is sent", async () => {
  const failure = await connectRedis(url, { caFile: "/absent/ca.pem" }).catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "config-invalid" });
  expect(explainFailure(failure)).toContain("REDIS_CA_FILE: can't read /absent/ca.pem");
});

test("a server with TLS is no answer to an address without it: the process waits, and says what to change", async () => {
  const failure = await connectRedis(url.replace("rediss:", "redis:")).catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "ledger-unreachable", retryable: true });
  expect(explainFailure(failure)).toContain("For TLS, begin REDIS_URL with rediss.");
});

test("a server without TLS does not get our password in the clear", async () => {
  const plain = url.replace(/:\d+$/, `:${server.port}`).replace("rediss://", "rediss://worker:hunter2secret@");

  const failure = await connectRedis(plain, { caFile }).catch((error: unknown) => error);

  expect(failure).toMatchObject({ code: "ledger-unreachable" });
  expect(inspect(failure, { depth: 10 })).not.toContain("hunter2secret");
});

describe("a server that asks its clients for a certificate", () => {
  let strict: ATlsServer;

  beforeAll(async () => {
    strict = await aTlsServer([], { asksClients: true });
  });

  afterAll(() => strict.server.stop());

  test("serves the ledger and the queues with one", async () => {
    const { caFile, certFile, keyFile } = strict;
    const access = { caFile, certFile, keyFile };
    const { ledger, close } = await aLedgerOn({ url: strict.url, access }, []);

    const committed = await ledger.commit(aChange(aRequest()));
    const answer = await askAWorker(strict.url, access);
    await close();

    expect(committed).toEqual({ type: "committed" });
    expect(answer).toBe("looked at staging");
  });

  // Its alert and the end of the connection come at once: which of them is read first is a matter of chance.
  test.each([
    ["that has none", async () => ({})],
    ["that has one of an authority that it does not know", () => strangers()],
  ])("names the remedy to a client %s", async (_, own) => {
    const failure = await failureWith(await own());

    expect(failure).toMatchObject({ code: "ledger-refused" });
    expect(explainFailure(failure)).toMatch(/et REDIS_CERT_FILE, REDIS_KEY_FILE/);
    expect(explainFailure(failure)).not.toContain("REDIS_CA_FILE");
  });

  const failureWith = (own: { certFile?: string; keyFile?: string }) =>
    connectRedis(strict.url, { caFile: strict.caFile, ...own }).catch((error: unknown) => error);

  /** A client's certificate of another authority. */
  async function strangers() {
    const { certFile, keyFile } = await writeCertificates(dirname(strict.certFile), "client", "stranger");
    return { certFile, keyFile };
  }
});
