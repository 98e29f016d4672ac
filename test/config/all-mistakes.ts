/** A configuration that uses every block. */
export const richText = `
slack: { mode: http, appId: A012ABCDEF, workspace: T012ABCDEF }
defaults: { channel: C0ACCESS, approvers: [U0ONE, U0TWO], region: eu-central-1 }
templates:
  strict: { ticket: required, ticketPattern: "OPS-[0-9]+", drift: repair }
clusters:
  staging:
    account: "111122223333"
    creator:
      roleArn: arn:aws:iam::111122223333:role/creator
      externalId: id-1
      through: [arn:aws:iam::777788889999:role/hub, { roleArn: "arn:aws:iam::777788889999:role/spoke", externalId: id-2 }]
    operator: { roleArn: "arn:aws:iam::111122223333:role/operator", through: [arn:aws:iam::777788889999:role/hub] }
    endpoint: https://staging.example.com
    certificateAuthority: LS0tLS1CRUdJTiBDRVJU
    levels: [viewer, admin]
    labels: { env: dev, team: shop }
    onCall: [U0THREE]
    drift: report
    foreignAccounts: ["999988887777"]
    createAwsAuth: false
    zone: eu-private
    owner: terraform
    way: access-entry
    accessEntries: { as: worker, rolePaths: [/team/] }
    pinnedSessions: [arn:aws:iam::111122223333:role/team/dev-*]
    signIn: { roles: [arn:aws:iam::111122223333:role/dev, arn:aws:iam::999988887777:role/dev], externalId: id-3 }
    quiet: "the books are closed"
  production:
    template: strict
    account: "444455556666"
    channel: C0PROD
    approvers: [U0ONE, U0TWO, U0THREE]
    creator: { userArn: "arn:aws:iam::444455556666:user/founder", profile: founder }
    levels: [viewer, deployer, editor, owner]
    labels: { env: production }
  research:
    eksName: research-eks
    region: eu-west-1
    account: "111122223333"
    creator: { discover: true, externalId: id-4 }
    levels: [viewer]
  alone: { account: "111122223333", creator: { userArn: "arn:aws:iam::111122223333:user/alone" }, levels: [viewer] }
  other: { account: "111122223333", creator: discover, levels: [viewer] }
levels:
  viewer: { bind: [{ clusterRole: view, in: all }], maxDuration: 8h, verify: [{ verb: list, resource: pods, name: one }] }
  admin: { groups: [eks-access:admins], maxDuration: 1h }
  deployer: { policy: AmazonEKSEditPolicy, namespaces: [payments], maxDuration: 2h }
  editor: { bind: [{ clusterRole: edit, in: choose }, { role: jobs, in: [batch] }], maxDuration: 4h }
  owner: { groups: [system:masters], maxDuration: 1h }
policy:
  rules:
    - name: four eyes
      who: [S0PEOPLE, "@example.com", U0ONE]
      clusters: [production, staging]
      levels: [deployer]
      principals: { accounts: ["111122223333"], arns: ["arn:aws:iam::*:role/dev-*"], linkedOnly: true }
      maxDuration: 1h
      approvals: 2
      approvers: [U0ONE, U0TWO, U0THREE]
      shared: refuse
      hours: { zone: Europe/Zurich, days: [mon, fri], from: "09:00", to: "18:00", outside: warn }
    - { name: dev, clusters: { env: dev, team: [shop, pay] }, levels: [admin], approvals: 1, selfApproval: true }
    - { name: the rest, shared: warn }
  breakGlass:
    - { who: [S0ONCALL], clusters: [production], level: deployer, for: 1h }
    - { who: [U0THREE], clusters: { env: dev }, level: admin, for: 30m }
operators: { channel: C0OPS }
linking: { confirm: administrator }
administrators: [U0ONE]
identities:
  - identityCenter:
      region: eu-central-1
      instanceArn: arn:aws:sso:::instance/ssoins-1234567890abcdef
      identityStoreId: d-1234567890
      roleArn: arn:aws:iam::999988887777:role/identity-reader
      keepFor: 5m
  - links
  - rule: { arn: "arn:aws:iam::{account}:role/dev", session: "{email}" }
ledger: { keep: 30d }
limits: { pending: 5, requests: 20, questions: 20, every: 5m }
timing: { requestExpiresAfter: 12h, approvalGoodFor: 1h, remindAfter: [15m, 1h, 4h], deadlines: { awsCall: 3s, run: 8s } }
audit:
  channel: C0OPS
  anchorEvery: 24h
  keep: 400d
  copyToLog: true
  s3: { bucket: example-audit, region: eu-central-1, account: "111122223333", prefix: audit/, lockFor: 400d }
  eventBridge: { bus: "arn:aws:events:eu-central-1:111122223333:event-bus/audit" }
  webhook: { url: https://audit.example.com/events }
`;

const ofFleet = `
fleet:
  accounts: ["111122223333", "444455556666"]
  regions: [eu-central-1]
  roleArn: arn:aws:iam::{account}:role/eks-access-operator
  externalId: id-5
  through: [arn:aws:iam::777788889999:role/hub]
  clusters: { eks-access: "yes" }
  name: "{name}"
  templates:
    - { clusters: { env: production }, template: strict }
    - { clusters: { env: [dev, test] }, template: [strict] }
  every: 5m
  tagsCountAfter: 24h
`;

export const fleetToo = richText + ofFleet;

/** A mistake: where it is, what is written there (undefined: nothing), the problems that it gives, and what must be readable for that. */
export interface Mistake {
  readonly path: string;
  readonly value: unknown;
  readonly problems: readonly string[];
  readonly reads: readonly string[];
}

const at = (path: string, value: unknown, problem: string, ...reads: readonly string[]): Mistake => ({
  ...{ path, value, reads },
  problems: [`${path.replace(/\.(\d+)/g, "[$1]")}: ${problem}.`],
});
const elsewhere = (path: string, value: unknown, problem: string, ...reads: readonly string[]): Mistake => ({
  ...{ path, value, reads },
  problems: [`${problem}.`],
});

const channel = "use a Slack channel id, for example C012ABCDEF (not a name)";
const account = 'write the 12 digits in quotes, for example "111122223333"';
const region = "use a region's name, for example eu-central-1";
const duration = "write a duration with its unit, for example 30m, 4h or 1h30m";
const role = "use a role's ARN, for example arn:aws:iam::111122223333:role/cluster-creator";
const externalId = "use 2 to 1224 letters, digits and _+=,.@:/-";
const unknown = "no such setting. Correct or remove it";
const userOrGroup = "use the id of a Slack user or user group, for example U012ABCDEF or S012ABCDEF (not a name)";
const person =
  'use the id of a Slack user or user group, or an e-mail domain in quotes, for example U012ABCDEF, S012ABCDEF or "@example.com"';
const assumable =
  "use a role's ARN with its path; * matches any text in the name, for example arn:aws:iam::111122223333:role/team-*";
const label = "write a text of at most 256 characters, in quotes if it is a number or a word such as true or no";
const oneOf = "say who created the cluster: roleArn, userArn or discover";
const there = "or use one of viewer, admin, deployer, editor, owner";
const known = "or use one of staging, production, research, alone, other";
const name = "use lower-case letters, digits and hyphens, up to 63 characters";
const block = "write a block of settings";
const [staging, production, rules] = ["clusters.staging", "clusters.production", "policy.rules"];
const other = { region: "eu-west-3", account: "111122223333", creator: "discover", levels: ["viewer"] };
const selectors = ["0.clusters", "0.levels", "1.clusters", "1.levels", "2.clusters", "2.levels"].map(
  (each) => `${rules}.${each}`,
);
const places = ["staging", "production", "research", "alone", "other"].flatMap((each) =>
  ["account", "region", "labels.env"].map((setting) => `clusters.${each}.${setting}`),
);
/** What says whether a rule is for production. */
const ofProduction = [...selectors, `${production}.account`, `${production}.labels.env`, "defaults.region"];

export const mistakes: readonly Mistake[] = [
  // Forms, at each kind of place.
  at("slakc", {}, unknown),
  at("slack.mode", "pigeon", "use http or socket"),
  at("slack.appId", "B1", "use the app's id, for example A012ABCDEF"),
  at("slack.workspace", "acme", "use a workspace's id, for example T012ABCDEF (not a name)"),
  at("defaults.channel", "#ops", channel),
  at("defaults.chanel", "C0ACCESS", unknown),
  at("templates.strict.ticket", "sometimes", "use none or optional or required"),
  at(
    "templates.strict.ticketPattern",
    "OPS-(?=1)",
    "write a regular expression of RE2, without (?=, (?! or \\1, for example 'OPS-[0-9]+'",
  ),
  elsewhere("templates.unused", { quiet: 5 }, "templates.unused.quiet: write true or false, or the reason as a text"),
  at("templates.odd", [], `it is a list; ${block}`),
  at("clusters.Other_1", { ...other, eksName: "other-1" }, name),
  at(`${staging}.account`, 111122223333, `it is a number; ${account}`),
  at("clusters.research.region", "Ireland", region),
  at(`${staging}.eksName`, "staging eks", "use the cluster's name in EKS"),
  at(`${staging}.regoin`, "eu-central-1", unknown),
  at(`${staging}.creator.externalId`, "a b", externalId),
  at(`${staging}.creator.through.0`, "hub", role),
  at(`${staging}.creator.through.1.profile`, "x", unknown),
  at(`${production}.creator.profile`, "a b", "use the name of an AWS profile, without spaces"),
  at(
    `${production}.creator.userArn`,
    "founder",
    "use a user's ARN, for example arn:aws:iam::111122223333:user/cluster-creator",
  ),
  at("clusters.research.creator.discover", "maybe", "use true"),
  at("clusters.other.creator", undefined, `it is missing; ${block}`),
  at(`${staging}.operator.externalId`, "a b", externalId),
  at(`${staging}.endpoint`, "http://10.0.0.1", "use the API server's https address, without a path"),
  at(`${staging}.certificateAuthority`, "ca.pem", "use a PEM certificate in base64, as EKS gives it"),
  at(`${production}.channel`, null, `it is empty; ${channel}`),
  at(`${production}.approvers.1`, "@two", userOrGroup),
  at("clusters.research.approvers", [], "name at least one approver"),
  at("clusters.other.levels", [], "offer at least one level"),
  at("clusters.other.labels.env", true, `it is true or false; ${label}`),
  at(`${staging}.onCall.0`, "three", userOrGroup),
  at(`${staging}.drift`, "ignore", "use report or repair"),
  at(`${staging}.foreignAccounts.1`, "12", account),
  at(`${staging}.createAwsAuth`, "maybe", "it is text; write true or false"),
  at(
    `${staging}.zone`,
    "EU",
    "use lower-case letters, digits and hyphens, up to 40 characters, for example eu-private",
  ),
  at(
    `${staging}.owner`,
    "Terraform",
    "name the tool in lower case, for example terraform, argocd or flux, or write none",
  ),
  at(`${staging}.way`, "both", "use access-entry or aws-auth"),
  at(
    `${staging}.accessEntries.rolePaths.0`,
    "team",
    "use a path of IAM that begins and ends with a slash, for example /team/",
  ),
  at(`${staging}.pinnedSessions.0`, "dev", assumable),
  at(`${staging}.signIn.roles.0`, "dev", assumable),
  at(`${staging}.signIn.role`, "dev", unknown),
  at(`${staging}.quiet`, "no", "write true or false, or the reason as a text"),
  at(`${staging}.quiet`, [], "write true or false, or the reason as a text"),
  at("levels.viewer.bind.0.clusterRole", "a/b", "use the name of a role, without / and %"),
  at("levels.viewer.verify.0.resource", undefined, "it is missing; write a resource in the plural, for example pods"),
  at("levels.viewer.verify.0.verb", "", "write a verb, for example list"),
  at("levels.viewer.verify.0.name", "one\ntwo", "use the name of one object, without spaces"),
  {
    path: "levels.viewer.verify.0.verb",
    value: "create",
    problems: [
      "levels.viewer.verify[0].name: leave it out: Kubernetes allows create and deletecollection before it knows a name.",
    ],
    reads: ["levels.viewer.verify.0.resource", "levels.viewer.verify.0.name"],
  },
  at("levels.admin.maxDuration", 1, `it is a number; ${duration}`),
  at("levels.admin.groups.0", "all admins", "use printable ASCII without spaces"),
  at("levels.admin.groups.1", "{{x}}", "a group can't have a template"),
  at("levels.admin.verfy", [], unknown),
  at("levels.deployer.policy", "View", "use the name of an EKS access policy, for example AmazonEKSViewPolicy"),
  at("levels.deployer.namespaces", {}, "it is a block of settings; write a list"),
  at("levels.deployer.namespaces.0", "Payments_", "use a namespace's name; * matches any text"),
  at("levels.editor.bind.0.in", "some", "write all, choose, or a list of namespaces"),
  at("levels.editor.bind.1.in.0", "Batch_", "use a namespace's name"),
  at("levels.Big_1", { groups: ["x"], maxDuration: "1h" }, name),
  at(`${rules}.0.name`, "", "give the rule a name"),
  at(`${rules}.0.name`, "all\nof us", "use one line, without direction marks"),
  at(`${rules}.0.name`, "all\u202e", "use one line, without direction marks"),
  at(`${rules}.0.who.0`, "people", person),
  at(
    `${rules}.0.principals.arns.0`,
    "dev",
    "use an ARN; * matches any text, for example arn:aws:iam::111122223333:role/dev-*",
  ),
  at(`${rules}.0.principals.accounts`, [], "name at least one account"),
  at(`${rules}.0.maxDuration`, "permanent", duration),
  at(`${rules}.0.hours.zone`, "Zurich", "use a time zone's name, for example Europe/Zurich"),
  at(`${rules}.0.hours.days`, [], "name at least one day"),
  at(`${rules}.0.hours.from`, "24:00", 'begin at midnight as "00:00"'),
  at(`${rules}.0.hours.from`, "9", 'use a time of day in quotes, for example "09:00"'),
  at(`${rules}.0.approvals`, 11, "use at most 10"),
  at(`${rules}.1.clusters.env`, true, label),
  at(`${rules}.2.permanent`, "yes", "it is text; write true or false"),
  at(`${rules}.2.shared`, "maybe", "use refuse or warn"),
  at(`${rules}.2.approvers`, [], "name at least one approver"),
  at(`${rules}.2.aprovals`, 2, unknown),
  at("policy.breakGlass.0.for", "soon", duration),
  at("policy.breakGlass.1.who", [], "name at least one person"),
  at("policy.breakGlas", [], unknown),
  at("operators.channel", "ops", channel),
  at("linking.confirm", "somebody", "use none or administrator"),
  at("administrators.0", "S0GROUP", "use a Slack user id, for example U012ABCDEF (not a name)"),
  at("identities.0.identityCenter.keepFor", "9h", "use at most 8h, because people leave"),
  at(
    "identities.0.identityCenter.identityStoreId",
    "store",
    "use the id of the identity store, for example d-1234567890",
  ),
  at(
    "identities.0.identityCenter.instanceArn",
    "x",
    "use the ARN of the instance, for example arn:aws:sso:::instance/ssoins-1234567890abcdef",
  ),
  at("identities.0.identityCenter.region", 5, `it is a number; ${region}`),
  at("identities.0.identityCenter.regoin", "eu-central-1", unknown),
  at("identities.2.rule.arn", "arn:aws:iam::{account}:role/{team}", "use the places {account} and {email} alone"),
  at("identities.2.rule.session", "shared", "name the person with {email}"),
  at("identities.3", "slack", "write links, or one of identityCenter and rule"),
  at("identities", { rule: {} }, "it is a block of settings; write a list"),
  at("ledger.keep", "6d", "keep closed requests for at least 7d"),
  at("limits.pending", 0, "use at least 1"),
  at("limits.requests", 1001, "use at most 1000"),
  at("limits.every", "10", duration),
  at("timing.approvalGoodFor", "9h", "use at most 8h, because people leave"),
  at("timing.endWithoutLedgerAfter", "2h", "use 10s to 1h"),
  at("timing.remindAfter", { first: "15m" }, "it is a block of settings; write a list"),
  at("timing.remindAfter.1", "soon", duration),
  at("timing.sweepEvery", "25d", "use at most 1h"),
  at("timing.deadlines.awsCall", "36000m", "use at most 1440m"),
  at("timing.deadlines.awsCall", "3", "write a time with its unit, for example 200ms, 3s or 2m"),
  at("audit.keep", "6d", "keep events for at least 7d"),
  at("audit.s3.bucket", "A", "use a bucket's name"),
  at("audit.s3.prefix", "audit", "use a prefix that ends with a slash, for example audit/"),
  at(
    "audit.eventBridge.bus",
    "audit",
    "use an event bus's ARN, for example arn:aws:events:eu-central-1:111122223333:event-bus/audit",
  ),
  at("audit.webhook.url", "http://example.com/", "use an https address without a user and password"),
  // Settings that contradict each other.
  at(
    `${staging}.creator`,
    { userArn: "arn:aws:iam::111122223333:user/a", profile: "a", externalId: "id-1" },
    "remove through and externalId: they work for a role only",
  ),
  at("clusters.other.creator", { externalId: "id-1" }, oneOf),
  at(
    "clusters.research.creator",
    { discover: true, userArn: "arn:aws:iam::111122223333:user/a", profile: "a" },
    `${oneOf}, only one of them`,
  ),
  at(
    "clusters.other.creator",
    { roleArn: "arn:aws:iam::111122223333:role/a", profile: "a" },
    "remove profile: it works for a user only",
  ),
  at("levels.owner.groups", [], "name at least one Kubernetes group, a policy, or roles to bind"),
  at(
    "levels.admin.bind",
    [{ clusterRole: "view", in: "all" }],
    "bind roles in a level of their own, without groups and policies",
  ),
  at("levels.owner.namespaces", ["a"], "name the policy for these namespaces"),
  elsewhere("levels.editor.bind.1.clusterRole", "x", "levels.editor.bind[1]: name a clusterRole or a role"),
  elsewhere(
    "levels.editor.bind.2",
    { role: "x", in: "all" },
    "levels.editor.bind[2].in: a Role belongs to one namespace: list namespaces, or write choose",
  ),
  elsewhere(
    `${rules}.0.hours.to`,
    "09:00",
    `policy.rules[0].hours: give the end another time than the start`,
    `${rules}.0.hours.from`,
  ),
  elsewhere(
    "timing.remindAfter.2",
    "30m",
    "timing.remindAfter: make each longer than the one before",
    "timing.remindAfter.1",
  ),
  elsewhere("identities.3", "links", "identities: name each way once"),
  // Names.
  at(`${staging}.levels.2`, "root", `there is no level root. Define it under levels, ${there}`),
  elsewhere(
    "templates.more",
    { levels: ["viewer", "root"] },
    `templates.more.levels[1]: there is no level root. Define it under levels, ${there}`,
  ),
  elsewhere(
    "clusters.research.template",
    "eu",
    "clusters.research.template: there is no template eu. Define it under templates, or use one of strict",
  ),
  at("levels.rescue", { groups: ["x"], maxDuration: "1h" }, "use another name: eks-access rescue has this one"),
  at(`${rules}.0.clusters.2`, "nowhere", `there is no cluster nowhere. Define it under clusters, ${known}`),
  at(`${rules}.0.levels.1`, "root", `there is no level root. Define it under levels, ${there}`),
  at("policy.breakGlass.0.clusters.1", "nowhere", `there is no cluster nowhere. Define it under clusters, ${known}`),
  at("policy.breakGlass.1.level", "root", `there is no level root. Define it under levels, ${there}`),
  at(
    "policy.breakGlass.0.level",
    "editor",
    "use a level that names its namespaces: in an emergency no one chooses those of editor",
    "levels.editor",
  ),
  // Several settings together.
  elsewhere(
    "clusters.twin",
    { ...other, region: "eu-west-1", eksName: "research-eks" },
    "clusters.twin: the same EKS cluster as clusters.research. Remove one of them",
    "clusters.research.account",
    "clusters.research.region",
    "clusters.research.eksName",
  ),
  at(
    `${staging}.creator.roleArn`,
    "arn:aws:iam::999988887777:role/x",
    "it is in account 999988887777, the cluster in 111122223333. Correct one",
    `${staging}.account`,
    `${staging}.creator`,
  ),
  at(
    `${staging}.creator.through.2`,
    "arn:aws-cn:iam::777788889999:role/x",
    "it is in partition aws-cn, the cluster in aws. Correct one",
    "defaults.region",
    `${staging}.creator`,
  ),
  at(
    `${staging}.operator.roleArn`,
    "arn:aws:iam::111122223333:role/creator",
    "use a role that does nothing else: this is the creator",
    `${staging}.creator.roleArn`,
  ),
  elsewhere(
    "levels.admin.groups.1",
    "eks-access:operators",
    "levels.admin.groups: use another group: eks-access:operators is the operator's",
  ),
  elsewhere(
    "levels.viewer.bind.1",
    { clusterRole: "eks-access:operator", in: "all" },
    "levels.viewer.bind: use another role: eks-access:operator is the operator's",
  ),
  elsewhere(
    "clusters.other.creator",
    { userArn: "arn:aws:iam::111122223333:user/b" },
    "clusters.other.creator.userArn: without a profile, the worker is this user; clusters.alone needs another one. Give one a profile",
    "clusters.alone.creator",
  ),
  at(
    `${staging}.signIn.roles.1`,
    "arn:aws:iam::888877776666:role/dev",
    "it is in account 888877776666, the cluster in 111122223333. Correct one, or add it to foreignAccounts",
    `${staging}.account`,
    `${staging}.foreignAccounts`,
  ),
  at(
    `${staging}.signIn.roles.2`,
    "arn:aws-cn:iam::111122223333:role/dev",
    "it is in partition aws-cn, the cluster in aws. Correct one",
    "defaults.region",
  ),
  at(`${rules}.1.name`, "four eyes", "use another name: an earlier rule has four eyes", `${rules}.0.name`),
  elsewhere(
    `${rules}.1.levels`,
    undefined,
    "policy.rules[1].selfApproval: name levels that people may approve for themselves",
  ),
  elsewhere(
    `${rules}.3`,
    { name: "lost", clusters: { team: "nobody" } },
    "policy.rules[3].clusters: no cluster has these labels. Correct them",
    // A template that is not there could have such labels.
    "clusters.research.template",
  ),
  elsewhere(
    `${rules}.2.levels`,
    ["viewer", "admin", "deployer", "editor"],
    "clusters.production.levels[3]: no rule covers owner here. Add one, or remove the level",
    ...ofProduction,
    `${rules}.3`,
  ),
  elsewhere(
    `${rules}.0.approvals`,
    5,
    "clusters.production.levels[1]: deployer on production needs 5 approvals by the rule four eyes, but the rule has 3 approvers. Name more",
    ...ofProduction,
    ...["name", "approvers"].map((each) => `${rules}.0.${each}`),
    "levels.deployer",
  ),
  elsewhere(
    `${rules}.0.approvers`,
    ["U0ONE", "U0TWO"],
    "clusters.production.levels[1]: deployer on production needs 2 approvals by the rule four eyes, but the rule has 1 approver besides U0ONE. Name more",
    ...ofProduction,
    ...["name", "approvals", "who"].map((each) => `${rules}.0.${each}`),
    "levels.deployer",
  ),
  elsewhere(
    `${production}.approvers`,
    ["U0ONE"],
    "clusters.production.levels[3]: owner on production needs 2 approvals by the rule the rest, but production has 1 approver. Name more",
    ...ofProduction,
    ...["name", "approvals", "approvers"].map((each) => `${rules}.2.${each}`),
    "levels.owner",
  ),
  elsewhere(
    "policy.breakGlass.0.for",
    "3h",
    "policy.breakGlass[0].for: use a time of at most the maxDuration of deployer",
    "policy.breakGlass.0",
    "levels.deployer.maxDuration",
  ),
  elsewhere(
    "policy.breakGlass.1.level",
    "owner",
    "clusters.staging.levels: policy.breakGlass[1] gives owner here. Offer it, or correct policy.breakGlass[1]",
    "policy.breakGlass",
    ...places,
  ),
  at("administrators", [], "name at least one, for linking.confirm", "linking.confirm"),
  elsewhere(
    "timing.requestExpiresAfter",
    "31d",
    "ledger.keep: use more than timing.requestExpiresAfter (31d)",
    "ledger.keep",
  ),
];
