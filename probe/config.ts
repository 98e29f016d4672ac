import { readConfig } from "../src/config/config.ts";
import { readConfigMapFile } from "../src/aws-auth/config-map.ts";
import { parseDocument } from "../src/aws-auth/index.ts";
import { configText } from "../test/builders/a-cluster.ts";
const t = (name: string, f: () => unknown) => {
  const c = process.cpuUsage(); const m = process.memoryUsage().heapUsed; let r: unknown;
  try { r = f(); } catch (e) { r = `THROW ${(e as Error).stack?.slice(0, 300)}`; }
  const u = process.cpuUsage(c);
  console.log(name, "cpu ms", Math.round((u.user + u.system) / 1000), "heap MB", Math.round((process.memoryUsage().heapUsed - m) / 1e6), JSON.stringify(r).slice(0, 300));
};
const short = (r: any) => (r.type === "config" ? "config" : r.problems.slice(0, 3).map((p: string) => p.slice(0, 200)));
const laughs = (n: number) => { let s = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"; for (let i = 1; i < n; i++) s += `a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`).join(",")}]\n`; return s; };
t("laughs 9", () => short(readConfig(configText + laughs(9))));
t("laughs in approvers", () => short(readConfig(laughs(9).replace("a0: &a0 [x,x,x,x,x,x,x,x,x,x]", "a0: &a0 [U0A,U0A,U0A,U0A,U0A,U0A,U0A,U0A,U0A,U0A]") + configText.replace("approvers: [U0APPROVER, U0APPROVER2]", "approvers: *a6"))));
const mapLaughs = (n: number) => { let s = "m0: &m0 {a: 1, b: 2}\n"; for (let i = 1; i < n; i++) s += `m${i}: &m${i} {a: *m${i-1}, b: *m${i-1}, c: *m${i-1}, d: *m${i-1}, e: *m${i-1}, f: *m${i-1}}\n`; return s; };
t("laughs in a cluster", () => short(readConfig(mapLaughs(12) + configText.replace("clusters:\n", "clusters:\n  x: *m11\n"))));
t("laughs in defaults", () => short(readConfig(mapLaughs(12) + configText + "defaults: *m11\n")));
t("laughs in labels", () => short(readConfig(mapLaughs(12) + configText.replace("    channel: C0ACCESS", "    channel: C0ACCESS\n    labels: *m11"))));
t("merge chain", () => { let s = "x0: &x0 {a: 1}\n"; for (let i = 1; i < 24; i++) s += `x${i}: &x${i}\n  <<: [*x${i-1}, *x${i-1}]\n  k${i}: 1\n`; return short(readConfig(s + configText)); });
t("deep 100k", () => short(readConfig(configText + "deep: " + "[".repeat(100_000) + "]".repeat(100_000))));
t("deep 5k", () => short(readConfig(configText + "deep: " + "[".repeat(5_000) + "]".repeat(5_000))));
t("deep block 5k", () => { let s = ""; for (let i = 0; i < 3000; i++) s += " ".repeat(i) + "a:\n"; return short(readConfig(configText + "deep:\n" + s)); });
t("cyclic", () => short(readConfig(configText + "c: &c [*c]\n")));
t("cyclic in cluster", () => short(readConfig(configText.replace("    channel: C0ACCESS", "    channel: C0ACCESS\n    labels: &c\n      a: *c"))));
t("cyclic whole cluster", () => short(readConfig(configText.replace("  staging:\n", "  staging: &c\n    accessEntries: *c\n"))));
t("20 MB of text", () => short(readConfig(configText + "x: " + "y".repeat(20_000_000))));
t("1M keys", () => short(readConfig(configText + Array.from({ length: 300_000 }, (_, i) => `k${i}: 1\n`).join(""))));
for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"]) {
  t(`cluster ${name}`, () => { const r = readConfig(configText.replace("  staging:\n", `  ${name}:\n`)); return r.type === "config" ? [...r.config.clusters.keys()] : r.problems; });
  t(`level ${name}`, () => { const r = readConfig(configText.replace("levels: [viewer, admin]", `levels: [viewer, ${name}]`)); return short(r); });
  t(`own level ${name}`, () => { const r = readConfig(configText.replace("levels: [viewer, admin]", `levels: [viewer, ${name}]`).replace("\n  admin:\n", `\n  ${name}:\n`)); return r.type === "config" ? r.config.clusters.get("staging")?.levels.map((l) => l.name) : r.problems; });
}
for (const name of ["../../x", "a/b", "a b", "a\u0000b", "<@U1>", "A", "x".repeat(300), "a%2f..", "a?x=1", "a#b", "-", "*"]) t(`cluster name ${JSON.stringify(name)}`, () => { const r = readConfig(configText.replace("  staging:\n", `  ${JSON.stringify(name)}:\n`)); return short(r); });
for (const v of ["../x", "a/b", "a?b", "a b", "x#y"]) t(`eksName ${v}`, () => short(readConfig(configText.replace("eksName: staging-eks", `eksName: ${JSON.stringify(v)}`))));
for (const v of ["eu-central-1@evil.com", "eu-central-1.evil.com/", "eu-central-1\\n", "eu-evil-1", "evil-com-1"]) t(`region ${v}`, () => short(readConfig(configText.replace("region: eu-central-1", `region: "${v}"`))));
for (const v of ["https://169.254.169.254/", "http://169.254.169.254/", "https://user:p@x/", "http://localhost@evil.com/", "https://x/\\r\\nX: y", "file:///etc/passwd", "http://localhost:1/../x", "http://127.0.0.1.evil.com/", "http://localhost.evil.com/"]) t(`webhook ${v}`, () => short(readConfig(configText + `audit:\n  webhook:\n    url: "${v}"\n`)));
for (const v of ["ClusterRole ../../x in shop", "ClusterRole x in ../../kube-system", "Role a/b in shop", "ClusterRole x?y in shop", "ClusterRole a in shop#"]) t(`group ${v}`, () => short(readConfig(configText.replace("groups: [eks-access:viewers]", `groups: [${JSON.stringify(v)}]`))));
for (const v of ["http://x", "https://169.254.169.254", "https://user:pw@x", "https://x/path?y", "file:///x"]) t(`endpoint ${v}`, () => short(readConfig(configText.replace("    channel: C0ACCESS", `    channel: C0ACCESS\n    endpoint: "${v}"`))));
// the document
const doc = (text: string) => { const d = parseDocument({ mapRoles: text }); return [d.entries.length, d.problems?.length, d.blocking?.[0]?.message?.slice(0, 150)]; };
t("doc laughs", () => doc("- rolearn: a\n  username: b\n  groups: *x\n" + laughs(9)));
t("doc seq laughs", () => doc("- &a0 {rolearn: arn:aws:iam::111122223333:role/x, username: u, groups: [a,b,c,d,e,f,g,h]}\n" + Array.from({ length: 12 }, (_, i) => `- &a${i + 1} {<<: [*a${i}, *a${i}, *a${i}, *a${i}], groups: [g]}\n`).join("")));
t("doc 1MB aliases", () => doc("- &a {rolearn: arn:aws:iam::111122223333:role/x, username: u, groups: [a]}\n" + "- *a\n".repeat(200_000)));
t("doc deep flow", () => doc("[".repeat(400_000)));
t("doc deep block", () => doc("- ".repeat(300_000) + "a"));
t("doc 1MB keys", () => doc("- {" + Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join(", ") + "}"));
t("doc many docs", () => doc("--- a\n".repeat(150_000)));
t("doc tags", () => doc("- !!binary " + "A".repeat(900_000)));
t("doc comment", () => doc("#".repeat(1_000_000)));
t("doc long quoted", () => doc('- rolearn: "' + "\\u0041".repeat(150_000) + '"'));
t("doc folded", () => doc("- username: >\n" + "   a\n\n".repeat(140_000)));
t("file 30MB", () => { const r = readConfigMapFile("apiVersion: v1\nkind: ConfigMap\ndata:\n  mapRoles: |\n" + "    - rolearn: a\n".repeat(1_500_000)); return JSON.stringify(r).slice(0, 200); });
