import type { SandboxAws } from "../sandbox/aws/account.ts";
import { account, arns, channel, externalId, region } from "../sandbox/scene.ts";
import type { Scene } from "../sandbox/scene-clusters.ts";

const iam = (rest: string, of = account) => `arn:aws:iam::${of}:${rest}`;

/** The account from which the platform team reaches all others. */
const hubAccount = "444455556666";

export const creatorArns = {
  hub: iam("role/platform-hub", hubAccount),
  chained: iam("role/infra/payments-creator"),
  user: iam("user/ops/legacy-founder"),
  discovered: iam("role/research-creator"),
} as const;

/** The profile of the worker's AWS files that holds the keys of the user who created `legacy`. */
const founderProfile = "legacy-founder";

/** Clusters beside `staging`, one for each further kind of creator, with how `eks-access.yml` names it. */
const creatorClusters: readonly {
  readonly name: string;
  readonly creatorArn: string;
  readonly creator: string;
}[] = [
  {
    name: "payments",
    creatorArn: creatorArns.chained,
    creator: `{ roleArn: "${creatorArns.chained}", externalId: payments-id, through: [{ roleArn: "${creatorArns.hub}", externalId: hub-id }] }`,
  },
  {
    name: "legacy",
    creatorArn: creatorArns.user,
    creator: `{ userArn: "${creatorArns.user}", profile: ${founderProfile} }`,
  },
  {
    name: "research",
    creatorArn: creatorArns.discovered,
    creator: `{ discover: true, externalId: ${externalId} }`,
  },
];

/** A cluster for each further kind of creator, for `startSandbox`. */
export const creators: Scene = {
  clusters: creatorClusters,
  text: creatorClusters.map(({ name, creator }) => clusterText(name, creator)).join(""),
  populate: populateCreators,
};

function clusterText(name: string, creator: string): string {
  return `  ${name}:
    eksName: ${name}
    region: ${region}
    account: "${account}"
    creator: ${creator}
    channel: ${channel}
    approvers: [U0APPROVER, U0APPROVER2]
    levels: [viewer]
`;
}

/** The creators of these clusters, each with the rights of deploy/iam and no more; the text of the worker's credentials file. */
function populateCreators({ account: identities }: SandboxAws): string {
  const assumes = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];
  const describes = [
    "eks:DescribeCluster",
    "eks:ListAccessEntries",
    "eks:DescribeAccessEntry",
    "eks:ListAssociatedAccessPolicies",
    "iam:GetRole",
  ];
  const strict = { requireSourceIdentity: true };
  identities.addRole({
    name: "platform-hub",
    account: hubAccount,
    allow: assumes,
    trust: { principals: [arns.worker], externalId: "hub-id", ...strict },
  });
  identities.addRole({
    name: "payments-creator",
    path: "/infra/",
    allow: describes,
    trust: { principals: [creatorArns.hub], externalId: "payments-id", ...strict },
  });
  identities.addRole({
    name: "research-creator",
    allow: describes,
    trust: { principals: [arns.worker], externalId, ...strict },
  });
  const founder = identities.addUser({ name: "legacy-founder", path: "/ops/", allow: describes });
  return `[${founderProfile}]
aws_access_key_id = ${founder.accessKeyId}
aws_secret_access_key = ${founder.secretAccessKey}
`;
}
