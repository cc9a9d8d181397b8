//! The command line. What it says in `--help` is written for an admin.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

use crate::config::Reach;
use crate::plan::ContentDigest;

/// Salesforce user access as code.
#[derive(Debug, Parser)]
#[command(
    name = "orgform",
    version,
    about = "Salesforce user access as code: profiles, permission sets, users and their assignments",
    long_about = "Write down in YAML which profiles, permission sets, users and assignments a Salesforce org \
                  should have. orgform shows what it would change (plan), changes it (apply), and takes it \
                  away again (destroy).\n\nWithout a Salesforce account it works on the local org: an \
                  emulated org inside orgform.",
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub log: LogArguments,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "When something is odd")]
pub struct LogArguments {
    /// Tell on standard error each call and each decision, with times
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Write the same into a file, for a report of something odd
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what would change, and change nothing
    Plan(PlanArguments),
    /// Show what would change, ask, and change it
    ///
    /// With a plan that `plan --out` kept instead of YAML files: do exactly that, without asking.
    /// It is refused when something that it used has changed since.
    Apply(ApplyArguments),
    /// Take away all that orgform made in the org: users are deactivated, the rest is deleted
    ///
    /// All that orgform made in this org goes, whichever file declared it: the files are only
    /// checked.
    Destroy(DestroyArguments),
    /// Show a plan that `plan --out` kept
    Show(ShowArguments),
    /// Explain what a user may do, and through what
    Explain {
        #[command(subcommand)]
        command: ExplainCommand,
    },
    /// Draw what needs what, for Graphviz, for Mermaid or as a picture
    Graph(GraphArguments),
    /// Check the files without asking any org
    Validate(ValidateArguments),
    /// Give files the usual layout; only white space is touched
    Fmt(FmtArguments),
    /// Print the JSON Schema of the files, by which editors check and complete them
    Schema,
    /// Look into the state: what orgform made or took over in an org
    State {
        #[command(subcommand)]
        command: StateCommand,
    },
    /// Print what a shell needs to complete commands, options, addresses and org names
    ///
    /// bash: `source <(orgform completions bash)`, in ~/.bashrc. zsh: the same in ~/.zshrc. fish:
    /// `orgform completions fish | source`.
    Completions {
        /// bash, zsh, fish, elvish or powershell
        #[arg(value_name = "SHELL")]
        shell: String,
    },
    /// Write the manual's pages into a folder
    Man {
        /// For example ~/.local/share/man/man1
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// The local org: an emulated Salesforce org on this machine
    Local {
        #[command(subcommand)]
        command: LocalCommand,
    },
    /// The same as `local`
    Org {
        #[command(subcommand)]
        command: LocalCommand,
    },
}

#[derive(Debug, Args)]
pub struct OrgArguments {
    /// Which org: `local` is the local org. Without it: the org whose token is in the environment
    /// (SF_ACCESS_TOKEN with SF_INSTANCE_URL), or else the local org
    #[arg(long, value_name = "NAME")]
    pub org: Option<String>,
    /// Where the state of each org is kept
    #[arg(long, value_name = "DIR", default_value = "state")]
    pub state_dir: PathBuf,
}

#[derive(Debug, Default, Args)]
pub struct AllowedArguments {
    /// Also read files below this folder. Otherwise only those below the folders of the files
    /// that are named are read, links and `csv:` included
    #[arg(long, value_name = "DIR")]
    pub allow_path: Vec<PathBuf>,
}

impl AllowedArguments {
    /// Which files may be read where these are named from a folder.
    pub fn reach(&self, folder: &Path, paths: &[PathBuf]) -> Reach {
        Reach::new(folder, paths, &self.allow_path)
    }
}

#[derive(Debug, Args)]
pub struct ReadArguments {
    /// YAML files, or folders of them. Without any: orgform.yaml, or else all *.yaml and *.yml files here
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub allowed: AllowedArguments,
    #[command(flatten)]
    pub org: OrgArguments,
    /// Look at the org before planning; with `false`, plan from the state alone, without a call
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub refresh: bool,
    /// Ask the org again for what is otherwise kept for a day: fields, profiles, permissions
    #[arg(long)]
    pub refresh_catalog: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Default, Args)]
pub struct ChoiceArguments {
    /// Only this, with what it depends on. Repeat it for several; `*` stands for any characters,
    /// as in `user.*@qa.example`
    #[arg(long, value_name = "ADDRESS")]
    pub target: Vec<String>,
    /// Not this, nor what depends on it
    #[arg(long, value_name = "ADDRESS")]
    pub exclude: Vec<String>,
}

#[derive(Debug, Default, Args)]
pub struct ReplaceArguments {
    /// Delete this assignment or permission set and make it again
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<String>,
    /// Only take what was changed outside orgform into the state, and change nothing in the org
    #[arg(long, conflicts_with = "replace")]
    pub refresh_only: bool,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum View {
    /// Addresses by what is done to them, one line each
    Summary,
    /// Every change with all values
    Full,
    /// Unified differences, as patches have them
    Diff,
}

#[derive(Debug, Default, Args)]
pub struct ViewArguments {
    /// How to show the plan; without it, every change, or where there are many, grouped
    #[arg(long, value_enum, value_name = "VIEW", conflicts_with_all = ["json", "markdown"])]
    pub view: Option<View>,
    /// Print Markdown for a pull request: it folds, and fits into a comment
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

#[derive(Debug, Args)]
pub struct PlanArguments {
    #[command(flatten)]
    pub read: ReadArguments,
    #[command(flatten)]
    pub choice: ChoiceArguments,
    #[command(flatten)]
    pub replace: ReplaceArguments,
    #[command(flatten)]
    pub view: ViewArguments,
    /// Show what `destroy` would do
    #[arg(long, conflicts_with_all = ["replace", "refresh_only"])]
    pub destroy: bool,
    /// With --destroy, also what was there before orgform took it over
    #[arg(long, requires = "destroy")]
    pub include_adopted: bool,
    /// With --destroy, users also give their usernames back
    #[arg(long, requires = "destroy")]
    pub rename_usernames: bool,
    /// Keep the plan in this file: `orgform apply FILE` does exactly that, `orgform show FILE` shows it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 2 when there are changes, with 0 when there are none. What was changed outside
    /// counts only with --refresh-only, or where it makes a change necessary
    #[arg(long)]
    pub detailed_exitcode: bool,
}

#[derive(Debug, Args)]
pub struct WriteArguments {
    /// How to show the plan; without it, every change, or where there are many, grouped
    #[arg(long, value_enum, value_name = "VIEW", conflicts_with = "json")]
    pub view: Option<View>,
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// How many calls are under way at once, up to 10
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=10))]
    pub parallelism: u8,
    /// How long to wait for permission set groups to be recalculated, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub wait: u32,
    /// Also write the events that --json prints to this file, one a line
    #[arg(long, value_name = "FILE")]
    pub json_into: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ApplyArguments {
    #[command(flatten)]
    pub read: ReadArguments,
    #[command(flatten)]
    pub choice: ChoiceArguments,
    #[command(flatten)]
    pub replace: ReplaceArguments,
    #[command(flatten)]
    pub write: WriteArguments,
    /// The digest of the saved plan, as `plan --out` printed it: where the state that the plan was
    /// made with is not at hand
    #[arg(long, value_name = "HEX")]
    pub digest: Option<ContentDigest>,
    /// With --auto-approve, allow taking grants away from what is adopted
    #[arg(long)]
    pub allow_loss: bool,
    /// Allow taking away up to N resources of a kind, where that is more than 30 % of them
    #[arg(long, value_name = "N")]
    pub allow_removals: Option<u64>,
    /// Allow changing up to N resources of a kind, where that is more than 30 % of them
    #[arg(long, value_name = "N")]
    pub allow_updates: Option<u64>,
    /// Apply although the checks before it found errors; guards hold all the same
    #[arg(long)]
    pub skip_preflight: bool,
}

#[derive(Debug, Args)]
pub struct DestroyArguments {
    #[command(flatten)]
    pub read: ReadArguments,
    #[command(flatten)]
    pub choice: ChoiceArguments,
    #[command(flatten)]
    pub write: WriteArguments,
    /// Also take away what was there before orgform took it over
    #[arg(long)]
    pub include_adopted: bool,
    /// Put each user's id behind its username, so that the username is free again; `apply` then
    /// makes a new user instead of bringing this one back
    #[arg(long)]
    pub rename_usernames: bool,
    /// Go on although the checks before it found errors; guards hold all the same
    #[arg(long)]
    pub skip_preflight: bool,
}

#[derive(Debug, Args)]
pub struct ShowArguments {
    /// The file that `plan --out` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub view: ViewArguments,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The language of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum GraphFormat {
    /// For Graphviz
    Dot,
    /// For Markdown on code hosts
    Mermaid,
    /// A picture
    Svg,
}

#[derive(Debug, Subcommand)]
pub enum ExplainCommand {
    /// What a user may do, and through what: profile, permission sets and groups
    User(ExplainUserArguments),
}

#[derive(Debug, Args)]
pub struct ExplainUserArguments {
    /// The username
    #[arg(value_name = "USERNAME")]
    pub username: String,
    /// Only this object, with its fields
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    #[command(flatten)]
    pub org: OrgArguments,
    /// Ask the org; with `false`, answer from the state alone, as far as it knows
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub refresh: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct GraphArguments {
    /// YAML files, or folders of them. Without any: orgform.yaml, or else all *.yaml and *.yml files here
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub allowed: AllowedArguments,
    /// In which language
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "dot")]
    pub format: GraphFormat,
    /// Colour what this plan, kept by `plan --out`, would change
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct FmtArguments {
    /// YAML files, or folders of them, or `-` for standard input. Without any: orgform.yaml, or
    /// else all *.yaml and *.yml files here
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub allowed: AllowedArguments,
    /// Change nothing; name the files that are not laid out so, and exit with 1 if there are any
    #[arg(long)]
    pub check: bool,
    /// Show what changes
    #[arg(long)]
    pub diff: bool,
}

#[derive(Debug, Args)]
pub struct ValidateArguments {
    /// YAML files, or folders of them. Without any: orgform.yaml, or else all *.yaml and *.yml files here
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub allowed: AllowedArguments,
    /// Print what is wrong as JSON
    #[arg(long)]
    pub json: bool,
    /// Print what is wrong as SARIF, which code hosts show beside the lines
    #[arg(long, conflicts_with = "json")]
    pub sarif: bool,
}

#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// List what is recorded, one address a line
    List(StateListArguments),
    /// Show what is recorded of one address
    Show(StateShowArguments),
    /// Read the whole state and say what is wrong with it
    ///
    /// Ends with 1 where something is. Changes nothing.
    Check(StateCheckArguments),
    /// Go back to a sound state: a backup, the cache, or what can still be read
    ///
    /// The files that were there are kept beside it. Asks to which, unless --from says so.
    Restore(StateRestoreArguments),
}

#[derive(Debug, Args)]
pub struct StateCheckArguments {
    #[command(flatten)]
    pub org: OrgArguments,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct StateRestoreArguments {
    /// To what: `1` and `2` are the backups, `cache` and `readable` what these know
    #[arg(long, value_name = "NAME")]
    pub from: Option<String>,
    #[command(flatten)]
    pub org: OrgArguments,
}

#[derive(Debug, Args)]
pub struct StateListArguments {
    #[command(flatten)]
    pub org: OrgArguments,
}

#[derive(Debug, Args)]
pub struct StateShowArguments {
    /// For example `user.integration@coconut.example`
    #[arg(value_name = "ADDRESS")]
    pub address: String,
    #[command(flatten)]
    pub org: OrgArguments,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum LocalCommand {
    /// Serve a local org over HTTP until it is stopped
    Serve(ServeArguments),
    /// Forget the local org and begin with a new one
    ///
    /// Only the emulated org on this machine is forgotten; no real org is touched. Asks first.
    Reset(ResetArguments),
}

#[derive(Debug, Args)]
pub struct ResetArguments {
    /// Where the state is, and in it the local org inside orgform
    #[arg(long, value_name = "DIR", default_value = "state")]
    pub state_dir: PathBuf,
    /// The folder of an org that was served with --data
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Don't ask
    #[arg(long)]
    pub auto_approve: bool,
}

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where to listen for HTTPS too; port 0 picks a free one
    ///
    /// The certificate is its own. Its file is in the line that is printed; clients are to trust it.
    #[arg(long, value_name = "ADDRESS")]
    pub tls_listen: Option<SocketAddr>,
    /// Write each call down: time, method, path, status and how long it took
    #[arg(long, value_name = "FILE")]
    pub request_log: Option<PathBuf>,
    /// A certificate in PEM; who has its key can sign in by JWT as a user that may
    #[arg(long, value_name = "FILE")]
    pub app_certificate: Option<PathBuf>,
    /// Keep the org's data in this folder; without it the org is forgotten when it stops
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What a new org starts with, for example users=100,seats=20
    ///
    /// Lists have a + between their items. Size: users=N ordinary users beside the admin;
    /// seats=N|unlimited of the Salesforce Integration license and of the permission set
    /// licenses; package_seats=N of the package coconut, which otherwise has a site license;
    /// daily_calls=N API calls a day, calls_today=N of them
    /// made already.
    ///
    /// Shape: person_accounts=true, with person_record_type=NAME; record_types=OBJECT.NAME;
    /// custom_fields=OBJECT.NAME__c:TYPE, where picklist(A/B) is a list and ! at the end makes it
    /// required; state_codes=true; german=true is the admin's language; sandbox=true;
    /// without_licenses=NAME; licenses_expire=YYYY-MM-DD; trial_ends=YYYY-MM-DD, which makes it a
    /// scratch org; queues=NAME; public_groups=NAME.
    ///
    /// Time: session_seconds=N that a session lasts; lock_wait_ms=N that a call waits for another
    /// one about the same user, then is refused; long_calls=N that may take longer than
    /// long_call_ms=N at once. The last three count while --latency-ms makes calls take time.
    ///
    /// What goes wrong in real orgs: admin_lacks=PERMISSION; unseen_fields=OBJECT.NAME that the
    /// admin does not see; read_only_fields=OBJECT.NAME that keep no grant to edit;
    /// forgotten_section=NAME of permission sets that is taken and not kept;
    /// user_rule=validation|trigger refuses users whose title is Refused; workflow_user=USERNAME
    /// can't be deactivated; recalculation_calls=N until a permission set group is added up;
    /// recalculation_fails_for=SET; access_policy=grant:SET|revoke:SET.
    ///
    /// Behaviours that only a real org can show, each true or false: rest_inserts_profiles
    /// (otherwise only SOAP does), sets_are_replaced (writing a permission set replaces it;
    /// otherwise it merges), login_rows (a user has a UserLogin before it first logs in),
    /// sets_take_their_license_along (removing a set also removes a license assigned by hand),
    /// dependencies_of_all_data (PermissionDependency knows Modify All Data), profile_filtering
    /// (who lacks View All Profiles sees its own profile only), person_default_shown (a profile
    /// shows the default of person accounts also where it is that of all accounts),
    /// email_changes_wait (a new address waits to be confirmed), uninstalled_apps_described
    /// (describe shows CanApproveUninstalledApps), hidden_dependency (a permission needs another,
    /// and only a rejection says so), networks_known (the org knows ManageNetworks),
    /// all_data_without_set_license (a set without a license gives Modify All Data to integration
    /// users; otherwise only one for the license Salesforce API Integration).
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub seed_org: Vec<String>,
    /// Let each call take so long, the work for it included
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub latency_ms: u64,
    /// Let each record of a call take so much longer
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub latency_per_record_ms: u64,
    /// Allow addresses that other machines can reach
    #[arg(long)]
    pub allow_remote: bool,
}
