"""Made-up people: no name or address belongs to anybody."""

from __future__ import annotations

from dataclasses import dataclass

from .chance import Chance

CANARY_ID = 1_234

_FAMILIES = (
    ("青野", "aono"), ("秋庭", "akiba"), ("泉川", "izumikawa"), ("岩瀬", "iwase"), ("梅津", "umezu"),
    ("江崎", "ezaki"), ("大窪", "ookubo"), ("小野田", "onoda"), ("柿本", "kakimoto"), ("桂木", "katsuragi"),
    ("霧島", "kirishima"), ("久世", "kuze"), ("黒部", "kurobe"), ("桜庭", "sakuraba"), ("鮫島", "sameshima"),
    ("白石", "shiraishi"), ("杉浦", "sugiura"), ("滝沢", "takizawa"), ("月岡", "tsukioka"), ("鶴見", "tsurumi"),
    ("時任", "tokitou"), ("永瀬", "nagase"), ("西脇", "nishiwaki"), ("野々村", "nonomura"), ("花房", "hanabusa"),
    ("氷室", "himuro"), ("深町", "fukamachi"), ("堀内", "horiuchi"), ("松永", "matsunaga"), ("水島", "mizushima"),
    ("室井", "muroi"), ("森下", "morishita"), ("八代", "yashiro"), ("柚木", "yuzuki"), ("若宮", "wakamiya"),
)  # fmt: skip
_GIVENS = (
    ("葵", "aoi"), ("明", "akira"), ("綾", "aya"), ("樹", "itsuki"), ("詩織", "shiori"), ("恵子", "keiko"),
    ("海斗", "kaito"), ("和也", "kazuya"), ("健", "ken"), ("沙耶", "saya"), ("翔太", "shouta"), ("純", "jun"),
    ("隆", "takashi"), ("千尋", "chihiro"), ("司", "tsukasa"), ("直人", "naoto"), ("菜々", "nana"),
    ("遥", "haruka"), ("陽菜", "hina"), ("浩", "hiroshi"), ("文", "fumi"), ("誠", "makoto"), ("真由", "mayu"),
    ("美咲", "misaki"), ("湊", "minato"), ("結衣", "yui"), ("悠", "yuu"), ("蓮", "ren"), ("若菜", "wakana"),
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist."""

    name: str
    email: str
    birth_year: int


def person(number: int, chance: Chance) -> Person:
    """The person with a number; one of them is the canary, whose name must never be seen outside the database."""
    family, given = chance.choice(_FAMILIES), chance.choice(_GIVENS)
    birth_year = chance.randint(1940, 2005)
    if number == CANARY_ID:
        return Person("架空 花子", "hanako.kakuu@example.jp", birth_year)
    return Person(f"{family[0]} {given[0]}", f"{given[1]}.{family[1]}{number}@example.jp", birth_year)


def staff_email(number: int) -> str:
    """The address of one of the staff."""
    return f"staff{number:03}@psyfit.example"


def password(email: str) -> str:
    """The password of a made-up account. It opens nothing but made-up data."""
    return Chance(f"password of {email}").uuid()


def message(to: Person, chance: Chance) -> str:
    """What one of the staff writes to a person."""
    opening = chance.choice(("いつもありがとうございます。", "お世話になっております。", "こんにちは。"))
    matter = chance.choice(
        (
            "前回の運動記録を拝見しました。無理のない範囲で続けてください。",
            "次回までの呼吸法の課題をお送りします。",
            "体調に変化があれば、いつでもご連絡ください。",
            "睡眠の記録を一週間分お持ちください。",
            "プログラムの内容を少し軽くしました。",
        )
    )
    return f"{to.name} 様 {opening}{matter}目安は{chance.randint(5, 45)}分です。"
