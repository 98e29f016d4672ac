import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { issueCertificates } from "../../../sandbox/cluster/certificate.ts";
import { aClusterWithPeople, type ClusterWithPeople } from "./clients.ts";

describe("the certificates of a cluster", () => {
  it("are an authority and a server certificate for the loopback address that it issued", () => {
    const { authority, cert } = issueCertificates(new Date());

    const issuer = new X509Certificate(authority);
    const server = new X509Certificate(cert);

    expect(issuer.ca).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.checkIssued(issuer) && server.verify(issuer.publicKey)).toBe(true);
    expect(server.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(server.checkHost("localhost")).toBe("localhost");
    expect(server.checkHost("example.com")).toBeUndefined();
  });

  it("are valid now and for less than two years, and never the same twice", () => {
    const now = new Date("2026-06-01T12:00:00Z");

    const [one, other] = [issueCertificates(now), issueCertificates(now)].map(({ cert }) => new X509Certificate(cert));

    expect(new Date(one?.validFrom ?? "") <= now).toBe(true);
    expect(new Date(one?.validTo ?? "").toISOString()).toBe("2027-06-01T12:00:00.000Z");
    expect(one?.serialNumber).not.toBe(other?.serialNumber);
  });
});

describe("a TLS client", () => {
  let people: ClusterWithPeople;
  beforeEach(async () => {
    people = await aClusterWithPeople();
  });
  afterEach(() => people.stop());

  const handshake = (ca: string | undefined) =>
    new Promise<string>((resolve) => {
      const port = Number(new URL(people.cluster.endpoint).port);
      const socket = connect({ host: "127.0.0.1", port, ...(ca === undefined ? {} : { ca }) }, () => {
        socket.destroy();
        resolve("trusted");
      });
      socket.on("error", (error: Error & { code?: string }) => resolve(error.code ?? error.message));
    });

  it("trusts the server with the authority that DescribeCluster names, and with no other", async () => {
    const own = await handshake(Buffer.from(people.cluster.certificateAuthority, "base64").toString());
    const foreign = await handshake(issueCertificates(new Date()).authority);
    const none = await handshake(undefined);

    expect(own).toBe("trusted");
    expect(foreign).not.toBe("trusted");
    expect(none).not.toBe("trusted");
  });
});
