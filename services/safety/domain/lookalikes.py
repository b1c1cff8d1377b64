"""Characters that are drawn like a Latin letter, and pictures that stand for a word."""

# Each line: the letter, then what passes for it. Capitals are listed where only they do.
_LETTERS = """
a αаɑᴀᗅ∀ʌᎪ
b вЬьᏏʙᛒ฿β
c сϲᴄᏟƈ¢©
d ԁᗞᴅđðɗᎠ
e еєҽɛεəǝᴇ€ꬲɘᎬ
f ƒϝꜰғ
g ɡɢցǥԍᏀ
h һнհʜħΗηᎻ
i іıɩιӏɪןⅼɭᎥ
j јϳᴊʝᎫ
k кκᴋƙқᏦ
l ʟłⱡ£ℓɫᏞ
m мᴍμϻᎷ
n пиɴηոŋռ
o оοσօᴏøөө○●ᴑ◯
p рρᴘþƿᏢ
q ԛզգ
r гʀяᴦɍᏒ
s ѕꜱʂƽ§Ꮪ
t тτᴛŧʇт†Ꭲ
u υսᴜʉц
v νѵᴠᏙ
w ԝωᴡшɯᎳᏔ
x хχ×ҳ
y уүγʏ¥ყ
z ᴢζʐƶᏃ
"""

# Drawn like the letter of the first column as a capital alone; folded before case is.
_CAPITALS = "HΗ NΝ PΡ BΒ YΥ XΧ ZΖ MΜ VѴ"

_PICTURES = {
    "👧": "child",
    "👦": "child",
    "🧒": "child",
    "👶": "child",
    "🚸": "children",
    "🔞": "18",
}

# Forms of one Arabic letter that differ by keyboard or by position only.
_ARABIC = {"ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه", "ٱ": "ا"}

_BOXED_ALPHABETS = (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)

INVISIBLE_LETTERS = frozenset("\u034f\u0640\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters by their category that draw nothing, or only stretch a word."""


def lookalikes() -> dict[str, str]:
    """What is read for a character, where that is not what Unicode says."""
    table = dict(_ARABIC)
    for line in _LETTERS.split("\n"):
        letter, _, drawn_alike = line.partition(" ")
        table.update({form: letter for char in drawn_alike for form in (char, char.lower())})
    for group in _CAPITALS.split():
        table.update({char: group[0].lower() for char in group[1:]})
    for first in _BOXED_ALPHABETS:
        table.update({chr(first + n): chr(ord("a") + n) for n in range(26)})
    return table | {picture: f" {word} " for picture, word in _PICTURES.items()}
