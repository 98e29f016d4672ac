import { arnOf } from "./reconcile-scene.ts";

const foreignEntry = `- userarn: ${arnOf("sre")} # on call
  username: sre
  groups: [sre]
`;

/** What an admission webhook makes of our entries. */
export const webhooks: Readonly<Record<string, (mapUsers: string) => string>> = {
  "gives more": (mapUsers) =>
    mapUsers.replace(/^( +- "eks-access:\w+"\n)(?! +- "webhook:)/gm, '$1    - "webhook:more"\n'),
  "renames our users": (mapUsers) => mapUsers.replace(/"eks-access:\d+:(\w+)"/g, '"webhook:$1"'),
};

/** What people do to the document with kubectl, past all of us. */
export const edits: Readonly<Record<string, (mapUsers: string) => string>> = {
  "adds an entry": (mapUsers) => `${mapUsers}${foreignEntry}`,
  "adds a comment": (mapUsers) => `# who is who\n${mapUsers}`,
  "takes our entry out": (mapUsers) => mapUsers.replace(/^- userarn: "[^"]*user\/engineer"\n(?: +.*\n)*/m, ""),
};
