//! The file that says what a campaign is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::document::{Document, Section};
use super::pool_settings::{self, Written};
use super::{AudienceSource, ColumnType, Columns};
use crate::error::{Error, ErrorKind, Result};
use crate::render::Limits as RenderLimits;
use crate::render::suggest::did_you_mean;
use crate::voucher::{CampaignId, Channel, PoolName, PoolSettings, check_name};

/// How many recipients share a batch unless the file says otherwise.
const BATCH: usize = 500;

/// The most recipients that may share a batch.
const BATCH_LIMIT: usize = 1_000;

const KEYS: [&str; 10] =
    ["id", "channel", "template", "templates", "audience", "when_empty", "batch", "columns", "pools", "limits"];

/// A campaign, as its file describes it. Paths are relative to the file.
///
/// ```
/// use tearoff::campaign::CampaignFile;
/// use tearoff::render::Limits;
///
/// let file = CampaignFile::read("examples/spring-sale/campaign.toml", Limits::default())?;
/// assert_eq!(file.id.as_str(), "spring-2026");
/// assert_eq!(file.batch, 500);
/// # Ok::<(), tearoff::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignFile {
    /// `id`.
    pub id: CampaignId,
    /// `channel`.
    pub channel: Channel,
    /// `template`: its folder's name.
    pub template: String,
    /// `templates`: the folder of all templates. Unless it is set, `templates/` beside the file, or else in the current folder.
    pub templates: PathBuf,
    /// `audience`: whom to write to.
    pub audience: AudienceSource,
    /// `when_empty`: what to do once a pool is empty.
    pub when_empty: WhenEmpty,
    /// `batch`: how many recipients share a call to the store.
    pub batch: usize,
    /// `columns`: the types of the audience's columns that are not text.
    pub columns: Columns,
    /// `[pools.NAME]`: pools that the campaign brings along.
    pub pools: BTreeMap<PoolName, CampaignPool>,
    /// `[limits]`: what one message may use.
    pub limits: RenderLimits,
}

/// What to do with those for whom a pool has no code left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenEmpty {
    /// Each of them becomes `enqueue_failed`.
    #[default]
    Fail,
    /// Stop there, and go on after an import.
    Pause,
}

/// A pool that a campaign brings along.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CampaignPool {
    /// `import`: a file of codes to import before the run, as often as it runs.
    pub import: Option<PathBuf>,
    /// The pool's settings, where the file sets any: they take the place of all that it has. `None` leaves a pool as it is.
    pub settings: Option<PoolSettings>,
}

impl CampaignFile {
    /// Reads a campaign's file; `limits` hold where it sets none of its own.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`], naming file, line and key, where it cannot be read, is not TOML,
    /// a key is unknown, missing or of the wrong type, or a value is none of those that it takes.
    pub fn read(path: impl AsRef<Path>, limits: RenderLimits) -> Result<CampaignFile> {
        let path = path.as_ref();
        let document = Document::read(path)?;
        let table = document.parse()?;
        let root = document.root(&table);
        root.only(&KEYS)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(CampaignFile {
            id: root.require("id", |id| CampaignId::new(id))?,
            channel: root.require("channel", str::parse)?,
            template: root.require("template", template_name)?,
            templates: root.parse("templates", some_path)?.map_or_else(|| templates(folder), |path| folder.join(path)),
            audience: root.require("audience", audience)?.relative_to(folder),
            when_empty: root.parse("when_empty", str::parse)?.unwrap_or_default(),
            batch: batch(&root)?,
            columns: columns(&root)?,
            pools: pools(&root, folder)?,
            limits: self::limits(&root, limits)?,
        })
    }
}

impl std::str::FromStr for WhenEmpty {
    type Err = Error;

    fn from_str(text: &str) -> Result<WhenEmpty> {
        match text {
            "fail" => Ok(WhenEmpty::Fail),
            "pause" => Ok(WhenEmpty::Pause),
            _ => {
                let error = Error::new(ErrorKind::InvalidInput, format!("'{text}' is neither \"fail\" nor \"pause\""));
                let suggestion = did_you_mean(text, ["fail", "pause"]);
                Err(error
                    .with_help(format!("fail goes on without codes, pause stops until there are more{suggestion}")))
            }
        }
    }
}

fn template_name(name: &str) -> Result<String> {
    check_name("template name", name)?;
    Ok(name.to_owned())
}

fn some_path(path: &str) -> Result<PathBuf> {
    if path.is_empty() { Err(Error::new(ErrorKind::InvalidInput, "the path is empty")) } else { Ok(path.into()) }
}

fn audience(source: &str) -> Result<AudienceSource> {
    match source {
        "-" => Ok(AudienceSource::Standard),
        path => some_path(path).map(AudienceSource::File),
    }
}

fn templates(folder: &Path) -> PathBuf {
    let beside = folder.join("templates");
    if beside.is_dir() { beside } else { "templates".into() }
}

fn batch(root: &Section<'_>) -> Result<usize> {
    let Some(number) = root.number("batch")? else { return Ok(BATCH) };
    let batch = usize::try_from(number).ok().filter(|number| *number <= BATCH_LIMIT);
    batch.ok_or_else(|| {
        let error = root.invalid("batch", &format!("takes a whole number from 1 to {BATCH_LIMIT}"));
        error.with_help(format!("{BATCH} is nearly as fast as any; leave the line out for that"))
    })
}

fn columns(root: &Section<'_>) -> Result<Columns> {
    let Some(section) = root.section("columns")? else { return Ok(Columns::new()) };
    let column = |name: &str| Ok((name.to_owned(), section.require(name, str::parse::<ColumnType>)?));
    section.keys().map(column).collect()
}

fn pools(root: &Section<'_>, folder: &Path) -> Result<BTreeMap<PoolName, CampaignPool>> {
    let Some(section) = root.section("pools")? else { return Ok(BTreeMap::new()) };
    let pool = |key: &str| {
        let name = PoolName::new(key).map_err(|error| section.locate_key(key, &error))?;
        let settings = section.section(key)?;
        Ok((name, settings.map_or(Ok(CampaignPool::default()), |settings| campaign_pool(&settings, folder))?))
    };
    section.keys().map(pool).collect()
}

fn campaign_pool(section: &Section<'_>, folder: &Path) -> Result<CampaignPool> {
    section.only(&["import"].into_iter().chain(pool_settings::NAMES).collect::<Vec<_>>())?;
    let import = section.parse("import", some_path)?.map(|path| folder.join(path));
    let settings = pool_settings::settings(section)?;
    let is_set = section.keys().any(|key| key != "import");
    Ok(CampaignPool { import, settings: is_set.then_some(settings) })
}

impl Written for Section<'_> {
    fn text<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
        self.parse(name, read)
    }

    fn number(&self, name: &str) -> Result<Option<u64>> {
        Section::number(self, name)
    }
}

fn limits(root: &Section<'_>, mut limits: RenderLimits) -> Result<RenderLimits> {
    let Some(section) = root.section("limits")? else { return Ok(limits) };
    section.only(&["instructions", "output_bytes", "nesting", "vouchers"])?;
    let size = |key: &str| -> Result<Option<usize>> {
        let too_large = |_| section.invalid(key, "is larger than this machine can count");
        section.number(key)?.map(|number| usize::try_from(number).map_err(too_large)).transpose()
    };
    limits.instructions = section.number("instructions")?.unwrap_or(limits.instructions);
    limits.output_bytes = size("output_bytes")?.unwrap_or(limits.output_bytes);
    limits.nesting = size("nesting")?.unwrap_or(limits.nesting);
    limits.vouchers = size("vouchers")?.unwrap_or(limits.vouchers);
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::voucher::{ByOthers, Code, Limits as PoolLimits};

    const LEAST: &str = "id = \"spring\"\nchannel = \"email\"\ntemplate = \"sale\"\naudience = \"people.csv\"\n";

    fn read(text: &str) -> Result<CampaignFile> {
        let folder = tempfile::tempdir().unwrap();
        read_in(folder.path(), text)
    }

    fn read_in(folder: &Path, text: &str) -> Result<CampaignFile> {
        let path = folder.join("campaign.toml");
        std::fs::write(&path, text).unwrap();
        CampaignFile::read(&path, RenderLimits::default())
    }

    /// The error without its folder, and the remedy.
    fn error(text: &str) -> (String, String) {
        let error = read(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let message = error.to_string();
        let place = message.find("campaign.toml").unwrap();
        (message[place..].to_owned(), error.help().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_least_has_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = read_in(folder.path(), LEAST).unwrap();
        assert_eq!(file.audience, AudienceSource::File(folder.path().join("people.csv")));
        assert_eq!((file.when_empty, file.batch), (WhenEmpty::Fail, 500));
        assert_eq!(file.limits, RenderLimits::default());
        assert!(file.columns.is_empty() && file.pools.is_empty());
        assert_eq!(file.templates, PathBuf::from("templates"));
        std::fs::create_dir(folder.path().join("templates")).unwrap();
        assert_eq!(read_in(folder.path(), LEAST).unwrap().templates, folder.path().join("templates"));
    }

    #[test]
    fn everything_can_be_set() {
        let folder = tempfile::tempdir().unwrap();
        let text = "\u{feff}id = \"spring\"\r\nchannel = \"web_push\"\ntemplate = \"sale\"\ntemplates = \"../all\"\naudience = \"-\"
when_empty = \"pause\"\nbatch = 1_000\ncolumns = { ltv = \"number\", \"is vip\" = \"boolean\" }
[pools.spring]\nimport = \"codes.csv\"\n
[pools.vip]\nvalid_for = \"30d\"\nexpires_at = 2027-06-30\nlimit_per_customer = 1\nlimit_per_campaign = 2\nlimit_total = 3
fallback = \"SORRY\"\noverflow = \"spring\"\npreview_code = \"VIP-XXXX\"\n
[pools.plain]\n
[limits]\ninstructions = 5\noutput_bytes = 6\nnesting = 7\nvouchers = 8\n";
        let file = read_in(folder.path(), text).unwrap();
        assert_eq!((file.channel, file.when_empty, file.batch), (Channel::WebPush, WhenEmpty::Pause, 1_000));
        assert_eq!(file.audience, AudienceSource::Standard);
        assert_eq!(file.templates, folder.path().join("../all"));
        assert_eq!(file.columns["ltv"], ColumnType::Number);
        assert_eq!(file.columns["is vip"], ColumnType::Boolean);
        assert_eq!(
            file.limits,
            RenderLimits { instructions: 5, output_bytes: 6, nesting: 7, vouchers: 8, ..RenderLimits::default() }
        );
        let pool = |name| &file.pools[&PoolName::new(name).unwrap()];
        assert_eq!(*pool("plain"), CampaignPool::default());
        let import = Some(folder.path().join("codes.csv"));
        assert_eq!(*pool("spring"), CampaignPool { import, settings: None });
        let settings = pool("vip").settings.as_ref().unwrap();
        assert_eq!(settings.valid_for, Some(Duration::from_secs(30 * 86_400)));
        assert_eq!(settings.expires_at.unwrap().to_string(), "2027-06-30T23:59:59Z");
        assert_eq!(
            settings.limits,
            PoolLimits { per_customer: Some(1), per_campaign: Some(2), total: Some(3), per_period: None }
        );
        assert_eq!(settings.fallback, Some(Code::new("SORRY").unwrap()));
        assert_eq!(settings.overflow, Some(PoolName::new("spring").unwrap()));
        assert_eq!(settings.preview_code, Some(Code::new("VIP-XXXX").unwrap()));
    }

    #[test]
    fn a_pool_has_rules() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[pools.vip]\neligible = \"customer.ltv < 500\"\nfloor = 1000\nlow_stock = \"1000,100\"
limit_in_period = \"10000/day\"\nredeem_rule = \"order.total >= 50\"\nredeem_by_others = \"flag\"\n";
        let file = read_in(folder.path(), &format!("{LEAST}{text}")).unwrap();
        let settings = file.pools[&PoolName::new("vip").unwrap()].settings.clone().unwrap();
        assert_eq!(settings.eligible.as_deref(), Some("customer.ltv < 500"));
        assert_eq!((settings.floor, settings.low_stock.to_string().as_str()), (1000, "1000,100"));
        assert_eq!(settings.limits.per_period.unwrap().to_string(), "10000/day");
        assert_eq!(settings.redemption.rule.as_deref(), Some("order.total >= 50"));
        assert_eq!(settings.redemption.by_others, ByOthers::Flag);
    }

    #[test]
    fn errors_name_line_key_and_remedy() {
        let cases = [
            ("batsch = 5", "campaign.toml:5: unknown key 'batsch'", "did you mean 'batch'?"),
            ("batch = 0", "campaign.toml:5: 'batch' takes a whole number of 1 or more", ""),
            ("batch = 1001", "campaign.toml:5: 'batch' takes a whole number from 1 to 1000", "leave the line out"),
            ("batch = \"many\"", "campaign.toml:5: 'batch' takes a whole number, not string", "batch = 100"),
            ("\nwhen_empty = \"stop\"", "campaign.toml:6: 'when_empty': 'stop' is neither", "pause stops"),
            ("templates = 5", "campaign.toml:5: 'templates' takes text in quotes, not integer", "templates = \"…\""),
            ("pools = 5", "campaign.toml:5: 'pools' takes a section, not integer", "[pools]"),
            ("columns = { a = \"nubmer\" }", "campaign.toml:5: 'columns.a': unknown column type", "mean 'number'"),
            ("[pools.\"spring sale\"]", "campaign.toml:5: 'pools.spring sale': pool name", "such as 'spring-sale'"),
            ("[pools.a]\nvalid-for = \"3d\"", "campaign.toml:6: unknown key 'pools.a.valid-for'", "mean 'valid_for'"),
            ("[pools.a]\nvalid_for = \"3 days\"", "campaign.toml:6: 'pools.a.valid_for': '3 days'", "30d, 12h"),
            ("[pools.a]\nexpires_at = \"soon\"", "campaign.toml:6: 'pools.a.expires_at': not a moment", "2027-06-30"),
            ("[limits]\nnestin = 5", "campaign.toml:6: unknown key 'limits.nestin'", "did you mean 'nesting'?"),
            (
                "[pools.a]\neligible = \"customer.ltv <\"",
                "campaign.toml:6: 'pools.a.eligible': line 1, column ",
                "customer.ltv < 500",
            ),
            (
                "[pools.a]\nredeem_rule = \"order.total|roundd\"",
                "campaign.toml:6: 'pools.a.redeem_rule': line 1, column 13: there is no filter 'roundd'; did you mean 'round'?",
                "",
            ),
            ("id = \"twice\"", "campaign.toml:5: duplicate key", "TOML"),
            ("[pools", "campaign.toml:5: ", "TOML"),
        ];
        for (text, message, help) in cases {
            let (actual, remedy) = error(&format!("{LEAST}{text}\n"));
            assert!(actual.starts_with(message), "{text}: {actual}");
            assert!(remedy.contains(help), "{text}: {remedy}");
        }
    }

    #[test]
    fn what_has_to_be_there() {
        for key in ["id", "channel", "template", "audience"] {
            let text: String =
                LEAST.lines().filter(|line| !line.starts_with(&format!("{key} ="))).collect::<Vec<_>>().join("\n");
            let (message, help) = error(&text);
            assert_eq!(message, format!("campaign.toml:1: the key '{key}' is missing"));
            assert_eq!(help, format!("add a line {key} = \"…\""));
        }
        let (message, help) = error(&LEAST.replace("\"email\"", "\"mail\""));
        assert_eq!(message, "campaign.toml:2: 'channel': unknown channel 'mail'");
        assert!(help.contains("email, sms"));
    }

    #[test]
    fn errors_do_not_show_codes() {
        let (message, _) = error(&format!("{LEAST}[pools.a]\nfallback = \" SECRET\"\n"));
        assert_eq!(message, "campaign.toml:6: 'pools.a.fallback': the code begins or ends with white space");
    }

    #[test]
    fn a_file_that_is_not_there() {
        let error = CampaignFile::read("no/campaign.toml", RenderLimits::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with("cannot read no/campaign.toml: "));
    }
}
