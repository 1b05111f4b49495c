//! The languages a screen or a paper can be in, and texts that the hospital wrote in several of them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A language the product knows. Offered = named in the configuration *and* complete in `ui/lang`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Ko,
    En,
    Zh,
    Ja,
    Ru,
    Vi,
    Mn,
    Ar,
}

impl Language {
    pub const ALL: [Self; 8] = [Self::Ko, Self::En, Self::Zh, Self::Ja, Self::Ru, Self::Vi, Self::Mn, Self::Ar];

    /// BCP 47 code, also the folder name under `ui/lang`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ko => "ko",
            Self::En => "en",
            Self::Zh => "zh",
            Self::Ja => "ja",
            Self::Ru => "ru",
            Self::Vi => "vi",
            Self::Mn => "mn",
            Self::Ar => "ar",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    #[must_use]
    pub const fn is_rtl(self) -> bool {
        matches!(self, Self::Ar)
    }
}

/// A text the hospital wrote, in the languages it wrote it in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocalText(pub BTreeMap<Language, String>);

impl LocalText {
    #[must_use]
    pub fn new<const N: usize>(texts: [(Language, &str); N]) -> Self {
        Self(texts.into_iter().map(|(language, text)| (language, text.to_owned())).collect())
    }

    /// The text in `language`, else in English, else in whatever there is, else empty.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        self.0
            .get(&language)
            .or_else(|| self.0.get(&Language::En))
            .or_else(|| self.0.values().next())
            .map_or("", String::as_str)
    }
}

impl Language {
    /// The language's name in itself.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Ko => "한국어",
            Self::En => "English",
            Self::Zh => "中文（简体）",
            Self::Ja => "日本語",
            Self::Ru => "Русский",
            Self::Vi => "Tiếng Việt",
            Self::Mn => "Монгол",
            Self::Ar => "العربية",
        }
    }

    /// Its English name: what scripts and tests say.
    #[must_use]
    pub const fn english_name(self) -> &'static str {
        match self {
            Self::Ko => "Korean",
            Self::En => "English",
            Self::Zh => "Chinese",
            Self::Ja => "Japanese",
            Self::Ru => "Russian",
            Self::Vi => "Vietnamese",
            Self::Mn => "Mongolian",
            Self::Ar => "Arabic",
        }
    }

    /// Its name in another language: for a line of an order. The own name where nobody wrote it yet.
    #[must_use]
    pub const fn name_in(self, reader: Self) -> &'static str {
        match (reader, self) {
            (Self::En, _) => self.english_name(),
            (Self::Ko, Self::En) => "영어",
            (Self::Ko, Self::Zh) => "중국어",
            (Self::Ko, Self::Ja) => "일본어",
            (Self::Ko, Self::Ru) => "러시아어",
            (Self::Ko, Self::Vi) => "베트남어",
            (Self::Ko, Self::Mn) => "몽골어",
            (Self::Ko, Self::Ar) => "아랍어",
            (Self::Ko, Self::Ko) | (Self::Zh | Self::Ja | Self::Ru | Self::Vi | Self::Mn | Self::Ar, _) => {
                self.own_name()
            }
        }
    }

    /// "Start", under the name on a language card.
    #[must_use]
    pub const fn start_word(self) -> &'static str {
        match self {
            Self::Ko => "시작하기",
            Self::En => "Start",
            Self::Zh => "开始",
            Self::Ja => "開始",
            Self::Ru => "Начать",
            Self::Vi => "Bắt đầu",
            Self::Mn => "Эхлэх",
            Self::Ar => "ابدأ",
        }
    }

    /// "Touch to start", on the poster.
    #[must_use]
    pub const fn touch_to_start(self) -> &'static str {
        match self {
            Self::Ko => "화면을 눌러 시작",
            Self::En => "Touch to start",
            Self::Zh => "触摸屏幕开始",
            Self::Ja => "タッチして開始",
            Self::Ru => "Начать",
            Self::Vi => "Chạm để bắt đầu",
            Self::Mn => "Эхлэх",
            Self::Ar => "المس للبدء",
        }
    }
}
