//! What the gallery's hospital says of patients' rights: as many lines as need two pages, one of them long.

use super::both;
use crate::domain::language::LocalText;

pub(super) fn rights() -> LocalText {
    both(
        concat!(
            "누구나 차별 없이 알맞은 진료를 받을 권리가 있습니다\n",
            "병과 치료의 방법과 결과를 듣고 물으며, 받을지를 스스로 정할 수 있습니다\n",
            "몸의 상태와 사생활의 비밀은 본인의 동의나 법이 아니고는 알리지 않습니다\n",
            "의료 분쟁은 병원이나 한국소비자원(1372), 한국의료분쟁조정중재원에 상담과 조정을 신청할 수 있습니다\n",
            "문화, 종교와 믿음 때문에 차별받지 않습니다",
        ),
        concat!(
            "You have the right to proper care, without discrimination\n",
            "You are told of your illness, its treatment and the outcome; you may ask, and you decide\n",
            "Your health and privacy stay confidential unless you consent or the law allows\n",
            "In a dispute you may ask the hospital, the Consumer Agency (1372) or the Medical Dispute Mediation Agency\n",
            "Your culture, religion and beliefs are respected",
        ),
    )
}
