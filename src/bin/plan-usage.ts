export const planUsage = `Usage: eks-access plan FILE|- [--add ARN --username U --groups A,B | --remove ARN]… [options]
       eks-access plan FILE|- --repairs [--json]
       eks-access plan FILE|- --repair N [options]

FILE is the ConfigMap aws-auth as YAML or JSON, or the bare data of it; - reads it from stdin. --add and --remove may be
given more than once, in any order. --username and --groups belong to the --add before them; left out, an entry that
is there keeps what it has. --repairs lists ways to mend what was wrong before, and --repair plans one of them, by its
number. Nothing is changed on a cluster.

  --creator ARN            who created the cluster, and must not be put into the map
  --account ID             the cluster's account: an ARN of any other is refused
  --allow-account ID       but not one of this account; may be given more than once
  --partition NAME         the cluster's partition: an ARN of any other is refused
  --allow-masters          system:masters may be given
  --allow-no-administrator the last member of system:masters may go
  --json                   print one JSON object
  --out FILE               write the ConfigMap as it is after the plan

Exit code: 0 planned, 1 refused, 2 the input can't be used.
`;
