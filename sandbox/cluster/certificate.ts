import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

const sequence = (...content: readonly Uint8Array[]) => element(0x30, ...content);

const set = (...content: readonly Uint8Array[]) => element(0x31, ...content);

const octetString = (content: Uint8Array) => element(0x04, content);

const utf8String = (text: string) => element(0x0c, Buffer.from(text, "utf8"));

const boolean = (value: boolean) => element(0x01, Buffer.from([value ? 0xff : 0]));

/** A context-specific element; `constructed`: it wraps others. */
const tagged = (number: number, content: Uint8Array, constructed: boolean) =>
  element((constructed ? 0xa0 : 0x80) + number, content);

/** Bits; the last `unused` do not count. */
const bitString = (content: Uint8Array, unused = 0) => element(0x03, Buffer.from([unused]), content);

export type ClusterCertificates = ReturnType<typeof issueCertificates>;

type KeyPair = { publicKey: KeyObject; privateKey: KeyObject };

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));

const purposes = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

/** An authority and a certificate that it issued, in PEM (RFC 5280). node:crypto can sign but not issue, and not every machine has openssl. */
export function issueCertificates(now: Date, purpose: keyof typeof purposes = "server", host = "127.0.0.1") {
  const authority = keyPair();
  const server = keyPair();
  const issue = (subject: string, key: KeyPair, extensions: readonly Buffer[]) =>
    certificateOf({ subject: name(subject), key, extensions }, authority, now);
  return {
    authority: issue(issuer, authority, authorityExtensions(authority)),
    cert: issue("kube-apiserver", server, leafExtensions(server, authority, purposes[purpose], host)),
    key: server.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function keyPair(): KeyPair {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

/** The authority's name. */
const issuer = "kubernetes";

function certificateOf(
  { subject, key, extensions }: { subject: Buffer; key: KeyPair; extensions: readonly Buffer[] },
  authority: KeyPair,
  now: Date,
): string {
  const day = 24 * 3600 * 1000;
  const certificate = sequence(
    tagged(0, integer(Uint8Array.of(2)), true),
    integer(randomBytes(16)),
    ecdsaWithSha256,
    name(issuer),
    sequence(utcTime(new Date(now.getTime() - day)), utcTime(new Date(now.getTime() + 365 * day))),
    subject,
    publicKeyInfo(key),
    tagged(3, sequence(...extensions), true),
  );
  const signature = sign("sha256", certificate, authority.privateKey);
  return pem(sequence(certificate, ecdsaWithSha256, bitString(signature)));
}

function publicKeyInfo({ publicKey }: KeyPair): Buffer {
  return publicKey.export({ type: "spki", format: "der" });
}

function name(commonName: string): Buffer {
  return sequence(set(sequence(oid("2.5.4.3"), utf8String(commonName))));
}

function authorityExtensions(authority: KeyPair): Buffer[] {
  return [
    extension("2.5.29.19", sequence(boolean(true)), true),
    // keyCertSign and cRLSign.
    extension("2.5.29.15", bitString(Uint8Array.of(0b0000_0110), 1), true),
    extension("2.5.29.14", octetString(keyId(authority))),
  ];
}

function leafExtensions(server: KeyPair, authority: KeyPair, purpose: string, host: string): Buffer[] {
  const dns = (name: string) => tagged(2, Buffer.from(name, "latin1"), false);
  const ip = tagged(7, Uint8Array.from(host.split(".").map(Number)), false);
  return [
    extension("2.5.29.19", sequence(), true),
    // digitalSignature.
    extension("2.5.29.15", bitString(Uint8Array.of(0b1000_0000), 7), true),
    extension("2.5.29.37", sequence(oid(purpose))),
    extension("2.5.29.14", octetString(keyId(server))),
    extension("2.5.29.35", sequence(tagged(0, keyId(authority), false))),
    extension("2.5.29.17", sequence(dns("localhost"), dns("kubernetes.default.svc"), ip)),
  ];
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

function keyId(key: KeyPair): Buffer {
  return createHash("sha1").update(publicKeyInfo(key)).digest();
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** The types of DER (ITU-T X.690) in a certificate. Each function returns a whole element: tag, length, content. */
function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(body.length)]), body]);
}

/** A non-negative integer, big-endian. A leading zero keeps the sign bit free, as DER requires. */
function integer(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Uint8Array.of(0) : bytes.subarray(start);
  return element(0x02, Buffer.from((digits[0] ?? 0) > 0x7f ? [0] : []), digits);
}

/** An object identifier from its dotted form. */
function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** UTCTime, which certificates use until 2049 (RFC 5280, 4.1.2.5). */
function utcTime(date: Date): Buffer {
  return element(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`, "latin1"));
}

function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}
