import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { version } from '../package.json';
import { severities } from '../shared/domain/result';
import { errorText } from './errors';
import type { Format, Terminal } from './output';

/**
 * The commands, each loaded when it is called: `--help` does not wait for an SDK. `require`, because the tests' sandbox
 * has no `import()`.
 */
const load = {
  account: () => require('./account') as typeof import('./account'),
  auditExport: () => require('./audit-export') as typeof import('./audit-export'),
  auditHistory: () => require('./audit-history') as typeof import('./audit-history'),
  auditList: () => require('./audit-list') as typeof import('./audit-list'),
  auditShow: () => require('./audit-show') as typeof import('./audit-show'),
  auditVerify: () => require('./audit-verify') as typeof import('./audit-verify'),
  findings: () => require('./findings') as typeof import('./findings'),
  lifecycleSimulate: () => require('./lifecycle-simulate') as typeof import('./lifecycle-simulate'),
  lifecycleValidate: () => require('./lifecycle-validate') as typeof import('./lifecycle-validate'),
  localReplay: () => require('./local-replay') as typeof import('./local-replay'),
  localStart: () => require('./local-start') as typeof import('./local-start'),
  policyShow: () => require('./policy-show') as typeof import('./policy-show'),
  policyValidate: () => require('./policy-validate') as typeof import('./policy-validate'),
  rules: () => require('./rules') as typeof import('./rules'),
};

/**
 * Runs one command line and answers the exit code: 0 fine, 1 judged and found wanting, 2 bad input or use.
 */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  let code = 0;
  const program = commands(terminal, (answer) => {
    code = answer;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.stderr(errorText(error));
    return 2;
  }
}

function commands(terminal: Terminal, end: (code: number) => void): Command {
  const program = new Command('ecr-warden')
    .description(
      'Governance for Amazon ECR: notices a bad tag within seconds, tells the team that owns it,\nand, where you allow it, puts it right in a way you can undo.',
    )
    .version(version)
    .configureOutput({
      writeOut: (text) => terminal.stdout(text),
      writeErr: (text) => terminal.stderr(text),
      getOutHelpWidth: () => Math.min(terminal.width, 110),
      getErrHelpWidth: () => Math.min(terminal.width, 110),
    })
    .addHelpText(
      'after',
      example(
        'npm start                                   # see it work: an embedded cloud with a sample',
        'ecr-warden findings --local                 # what it found, from a second terminal',
        'ecr-warden policy show payments/api         # what is asked of a repository, and where that is written',
      ),
    );

  addPolicy(program, terminal, end);
  addRules(program, terminal, end);
  addFindings(program, terminal, end);
  addAudit(program, terminal, end);
  addLifecycle(program, terminal, end);
  addLocal(program, terminal, end);
  for (const command of withChildren(program)) {
    command
      .exitOverride()
      .helpCommand(false)
      .showSuggestionAfterError()
      .showHelpAfterError('(run with --help)')
      .allowExcessArguments(false)
      .copyInheritedSettings(program);
  }
  return program;
}

type End = (code: number) => void;

function addPolicy(program: Command, terminal: Terminal, end: End): void {
  const policy = program.command('policy').description('Check the policy files, and show what they say.');
  policy
    .command('validate')
    .description('Check a policy file and the exemptions that it names.')
    .argument('[file]', 'the policy file', 'policy.yaml')
    .addOption(outputOption())
    .addOption(nowOption())
    .addHelpText('after', example('ecr-warden policy validate policy.yaml --output json'))
    .action((file: string, { output, now }: Common) => {
      const { policyValidate } = load.policyValidate();
      end(policyValidate({ file, output, now: now ?? Date.now() }, terminal));
    });
  policy
    .command('show')
    .description('Print the sum of the policy for one repository, with the place of each value.')
    .argument('<repository>', 'such as payments/api')
    .addOption(policyOption())
    .addOption(outputOption())
    .addOption(nowOption())
    .addHelpText('after', example('ecr-warden policy show payments/api'))
    .action((repository: string, { policy, output, now }: Common & { policy: string }) => {
      const { policyShow } = load.policyShow();
      end(policyShow({ repository, policy, output, now: now ?? Date.now() }, terminal));
    });
}

function addRules(program: Command, terminal: Terminal, end: End): void {
  program
    .command('rules')
    .description('List the rules, or show one in full.')
    .argument('[rule]', 'such as tag-format')
    .addOption(outputOption())
    .addHelpText('after', example('ecr-warden rules tag-format'))
    .action((rule: string | undefined, { output }: Common) => {
      const { rules } = load.rules();
      end(rules({ ...(rule && { rule }), output }, terminal));
    });
}

interface FindingsFlags extends Trailed {
  readonly all?: true;
  readonly rule?: string[];
  readonly repository?: string[];
  readonly severity?: (typeof severities)[number];
}

function addFindings(program: Command, terminal: Terminal, end: End): void {
  reaching(
    program
      .command('findings')
      .description('List what the pipeline recorded: open, snoozed and exempt findings, the worst first.')
      .option('--all', 'resolved ones too')
      .option('--rule <rule>', 'of this rule alone (repeatable)', collected)
      .option(
        '--repository <pattern>',
        'of these repositories alone, such as "payments/**" (repeatable)',
        collected,
      )
      .addOption(new Option('--severity <severity>', 'this severe or worse').choices(severities)),
  )
    .addHelpText(
      'after',
      example(
        'ecr-warden findings --local',
        'ecr-warden findings --local --severity high --repository "payments/**"',
      ),
    )
    .action(async ({ all, rule, repository, severity, ...flags }: FindingsFlags) => {
      const { checkFilters, findings } = load.findings();
      const { openTrail } = load.account();
      checkFilters({ rules: rule ?? [], repositories: repository ?? [] });
      const trail = await openTrail(flags);
      try {
        const { now, region, output } = flags;
        const options = {
          all: all === true,
          rules: rule ?? [],
          repositories: repository ?? [],
          ...(severity && { severity }),
          regions: region ?? [],
          output,
          now: () => now ?? Date.now(),
        };
        end(await findings(options, trail, terminal));
      } finally {
        await trail.close();
      }
    });
}

function addAudit(program: Command, terminal: Terminal, end: End): void {
  const audit = program
    .command('audit')
    .description('Read the audit trail: every event and decision, as it was recorded.');
  reaching(
    audit
      .command('list')
      .description('List the newest records.')
      .option('--repository <repository>', 'of this repository alone')
      .addOption(new Option('--limit <count>', 'how many at most').argParser(positiveInteger).default(20)),
  )
    .addHelpText('after', example('ecr-warden audit list --local --repository payments/api'))
    .action(async ({ repository, limit, ...flags }: Trailed & { repository?: string; limit: number }) => {
      const { auditList } = load.auditList();
      const { openTrail } = load.account();
      const trail = await openTrail(flags);
      try {
        const options = {
          ...(repository && { repository }),
          limit,
          output: flags.output,
          now: flags.now ?? Date.now(),
        };
        end(await auditList(options, trail, terminal));
      } finally {
        await trail.close();
      }
    });
  reaching(
    audit
      .command('show')
      .description('Show the newest record of a tag, an image or a repository in full.')
      .argument('<image>', 'REPOSITORY, REPOSITORY:TAG or REPOSITORY@sha256:…')
      .addOption(
        new Option('--sequence <number>', 'this record instead of the newest').argParser(positiveInteger),
      ),
  )
    .addHelpText('after', example('ecr-warden audit show payments/api:v1.4.0 --local'))
    .action(async (reference: string, { sequence, ...flags }: Trailed & { sequence?: number }) => {
      const { auditShow } = load.auditShow();
      const { openTrail } = load.account();
      const trail = await openTrail(flags);
      try {
        end(
          await auditShow(
            { reference, ...(sequence && { sequence }), output: flags.output },
            trail,
            terminal,
          ),
        );
      } finally {
        await trail.close();
      }
    });
  reaching(
    audit
      .command('history')
      .description('Show which digest a tag stood for, since when, and who moved it.')
      .argument('<tag>', 'REPOSITORY:TAG'),
  )
    .addHelpText('after', example('ecr-warden audit history payments/web:v2.0.0 --local'))
    .action(async (reference: string, flags: Trailed) => {
      const { auditHistory } = load.auditHistory();
      const { openTrail } = load.account();
      const trail = await openTrail(flags);
      try {
        end(await auditHistory({ reference, output: flags.output }, trail, terminal));
      } finally {
        await trail.close();
      }
    });
  reaching(
    audit
      .command('export')
      .description('Write the whole trail to a file that can be verified without anything else.')
      .requiredOption('--file <file>', 'where to; compressed where its name ends in .gz'),
  )
    .addHelpText('after', example('ecr-warden audit export --local --file trail.jsonl.gz'))
    .action(async ({ file, ...flags }: Trailed & { file: string }) => {
      const { auditExport } = load.auditExport();
      const { openTrail } = load.account();
      const { trail, close } = await openTrail(flags);
      try {
        end(await auditExport({ file, output: flags.output }, trail, terminal, () => Date.now()));
      } finally {
        await close();
      }
    });
  reaching(
    audit
      .command('verify')
      .description('Say whether every record is whole and in its place, and name the first that is not.')
      .argument('[file]', 'an export; without it the trail itself')
      .option('--anchor <root>', 'a root that was kept elsewhere'),
  )
    .addHelpText(
      'after',
      example('ecr-warden audit verify trail.jsonl.gz', 'ecr-warden audit verify --local'),
    )
    .action(async (file: string | undefined, { anchor, ...flags }: Trailed & { anchor?: string }) => {
      const { auditVerify } = load.auditVerify();
      const options = { ...(anchor && { anchor }), output: flags.output };
      if (file !== undefined) {
        end(await auditVerify(options, file, terminal));
        return;
      }
      const { openTrail } = load.account();
      const { trail, close } = await openTrail(flags);
      try {
        end(await auditVerify(options, trail, terminal));
      } finally {
        await close();
      }
    });
}

interface SimulateFlags extends Common {
  readonly policy?: string;
  readonly template?: string;
  readonly policyFile?: string;
  readonly images?: string;
  readonly batch?: string;
  readonly reasons?: true;
}

function addLifecycle(program: Command, terminal: Terminal, end: End): void {
  const lifecycle = program
    .command('lifecycle')
    .description('Check ECR lifecycle policies, and see what one would do before it does it.');
  lifecycle
    .command('validate')
    .description('Say whether ECR would take a lifecycle policy, and if not, what to write instead.')
    .argument('<file>', 'the lifecycle policy, as JSON')
    .addOption(outputOption())
    .addHelpText('after', example('ecr-warden lifecycle validate lifecycle-policy.json'))
    .action((file: string, { output }: Common) => {
      const { lifecycleValidate } = load.lifecycleValidate();
      end(lifecycleValidate({ file, output }, terminal));
    });
  lifecycle
    .command('simulate')
    .description('Say what one run of a lifecycle policy would do to each image, and why the others stay.')
    .option('--policy <file>', 'the lifecycle policy, as JSON')
    .option('--template <name>', 'instead: a lifecycle template of the policy file')
    .option('--policy-file <file>', 'the policy file that holds the template (default: "policy.yaml")')
    .option(
      '--images <file>',
      'what `aws ecr describe-images` answers, with imageReferences added to indexes',
    )
    .option('--batch <file>', 'instead: one {"policy":…,"images":…,"now":…} a line, answered line by line')
    .option('--reasons', 'also why each image stays')
    .addOption(outputOption())
    .addOption(nowOption())
    .addHelpText(
      'after',
      example(
        'aws ecr describe-images --repository-name payments/api --filter imageStatus=ANY > images.json',
        'ecr-warden lifecycle simulate --policy lifecycle-policy.json --images images.json --reasons',
      ),
    )
    .action(async ({ now, ...flags }: SimulateFlags) => {
      const { lifecycleSimulate } = load.lifecycleSimulate();
      end(await lifecycleSimulate({ ...flags, now: now ?? Date.now() }, terminal));
    });
}

function addLocal(program: Command, terminal: Terminal, end: End): void {
  const local = program
    .command('local')
    .description('Run the same functions on this machine, without an account.');
  local
    .command('start')
    .description('Run the embedded cloud until interrupted, and push a sample into its empty registry.')
    .addOption(
      new Option('--port <port>', 'where it listens on 127.0.0.1; 0 picks a free one')
        .argParser(portNumber)
        .default(4599),
    )
    .option('--data <folder>', 'keep everything in this folder, and go on from there next time')
    .addOption(policyOption())
    .addOption(outputOption())
    .addHelpText('after', example('npm start', 'ecr-warden local start --port 0 --data .ecr-warden'))
    .action(async (flags: { port: number; data?: string; policy: string; output: Format }) => {
      const { localStart } = load.localStart();
      end(await localStart(flags, terminal));
    });
  local
    .command('replay')
    .description('Feed a file of pushes and deletes through the pipeline, wait until all is done, and count.')
    .argument('<file>', 'one JSON object a line, gzipped or not')
    .addOption(new Option('--limit <lines>', 'stop after so many').argParser(positiveInteger))
    .option('--data <folder>', 'keep everything in this folder, and go on from there next time')
    .addOption(policyOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      `\nA line:\n  {"time":"2024-12-27T20:52:35Z","action":"PUSH","repository":"payments/api","tag":"v1","digest":"sha256:…"}\n${example(
        'ecr-warden local replay pushes.jsonl.gz --limit 10000 --output json',
      )}`,
    )
    .action(
      async (file: string, flags: { limit?: number; data?: string; policy: string; output: Format }) => {
        const { localReplay } = load.localReplay();
        end(await localReplay({ file, ...flags }, terminal));
      },
    );
}

interface Common {
  readonly output: Format;
  readonly now?: number;
}

/** The options of commands that look at a trail. */
export interface Trailed {
  readonly output: Format;
  readonly now?: number;
  readonly local?: true;
  readonly endpointUrl?: string;
  readonly data?: string;
  readonly region?: string[];
  readonly profile?: string;
}

function reaching(command: Command): Command {
  return command
    .option('--local', 'look at the embedded cloud that runs on this machine')
    .addOption(
      new Option('--data <folder>', 'look into the folder of an embedded cloud that has stopped').conflicts([
        'local',
        'endpointUrl',
        'profile',
      ]),
    )
    .option('--endpoint-url <url>', 'the embedded cloud at this address, or another endpoint of AWS')
    .option('--region <region>', 'this Region alone (repeatable)', collected)
    .option('--profile <name>', 'a profile of your AWS configuration')
    .addOption(outputOption())
    .addOption(nowOption());
}

function outputOption(): Option {
  return new Option('--output <format>', 'what to print').choices(['text', 'json']).default('text');
}

function policyOption(): Option {
  return new Option('--policy <file>', 'the policy file').default('policy.yaml');
}

function nowOption(): Option {
  return new Option('--now <time>', 'take this as the present, such as 2026-11-24T09:00:00Z').argParser(
    instant,
  );
}

function collected(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('Write a whole number, 1 or more.');
  }
  return value;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('Write a port from 1 to 65535, or 0 for a free one.');
  }
  return port;
}

function instant(text: string): number {
  const time = /^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new InvalidArgumentError('Write an ISO 8601 time such as 2026-11-24T09:00:00Z.');
  return time;
}

function example(...lines: readonly string[]): string {
  return `\nExample${lines.length > 1 ? 's' : ''}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function withChildren(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withChildren)];
}
