"""Words of lists: how people write what is kept as a code. One table, for every kind of list.

A cell means a code when it is one of its words, or begins with one that is followed by others («учитель математики»); a
word that begins with «…» may also end a cell («математика мугалими»). The longest word counts. Case, ё, Kyrgyz letters
and points do not matter, nor do Latin letters that look as Cyrillic ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.i18n import LANGUAGES, folded
from shared.latin import LOOKALIKES

Code = str | int
_ENDS = "…"
_POINTS = re.compile(r"[.,;:()\"«»“”]+")


@dataclass(frozen=True)
class Words:
    """Words by the code that they stand for; the first of each are those of the three languages, in their order."""

    by_code: Mapping[Code, tuple[str, ...]]

    @classmethod
    def of(cls, codes: Mapping[str, Code]) -> Words:
        """The same from a table of words with their codes."""
        found: dict[Code, tuple[str, ...]] = {}
        for word, code in codes.items():
            found[code] = (*found.get(code, ()), word)
        return cls(found)

    def code(self, text: str) -> Code | None:
        """What a cell means; None where it is none of the words."""
        found = self._code(_plain(text))
        return self._code(_plain(text.translate(LOOKALIKES))) if found is None else found

    def _code(self, plain: str) -> Code | None:
        if plain in self._whole:
            return self._whole[plain]
        begins = [word for word in self._whole if plain.startswith(word + " ")]
        if begins:
            return self._whole[max(begins, key=len)]
        ends = [word for word in self._ends if plain.endswith(" " + word)]
        return self._whole[max(ends, key=len)] if ends else None

    def word(self, code: Code, language: str) -> str:
        """The word for a code in a language."""
        words = self.by_code[code]
        return words[min(list(LANGUAGES).index(language), len(words) - 1)].strip(_ENDS)

    def others(self, code: Code, language: str) -> list[str]:
        """The other words for a code."""
        own = self.word(code, language)
        return [word.strip(_ENDS) for word in self.by_code[code] if word.strip(_ENDS) != own]

    @cached_property
    def _whole(self) -> dict[str, Code]:
        return {_plain(word.strip(_ENDS)): code for code, words in self.by_code.items() for word in words}

    @cached_property
    def _ends(self) -> frozenset[str]:
        words = (word for words in self.by_code.values() for word in words)
        return frozenset(_plain(word.strip(_ENDS)) for word in words if word.startswith(_ENDS))


def _plain(text: str) -> str:
    return folded(_POINTS.sub(" ", text))


_RELATIONS: Mapping[Code, tuple[str, ...]] = {
    "mother": ("апасы", "мать", "mother", "апа", "эне", "энеси", "мама"),
    "father": ("атасы", "отец", "father", "ата", "папа"),
    "grandmother": ("чоң энеси", "бабушка", "grandmother", "чоң эне", "чоң апасы", "чоң апа", "чоңэнеси", "чоңапасы",
                    "чоңэне", "чоңапа", "таенеси", "таене", "тай энеси", "тай эне", "таэнеси", "таэне", "бабуля",
                    "родная бабушка", "granny"),
    "grandfather": ("чоң атасы", "дедушка", "grandfather", "чоң ата", "чоңатасы", "чоңата", "таятасы", "таята",
                    "тай атасы", "тай ата", "дед", "родной дедушка"),
    "stepmother": ("өгөй энеси", "мачеха", "stepmother", "өгөй эне", "өгөй апасы", "өгөй апа"),
    "stepfather": ("өгөй атасы", "отчим", "stepfather", "өгөй ата"),
    "guardian": ("камкорчусу", "опекун", "guardian", "камкорчу", "көзөмөлчү", "көзөмөлчүсү", "попечитель",
                 "законный представитель", "мыйзамдуу өкүлү", "мыйзамдуу өкүл", "…guardian"),
    "relative": ("тууганы", "родственник", "relative", "башка тууганы", "тууган", "жакын тууганы", "родственница",
                 "другой родственник", "близкий родственник", "родня", "other relative", "эжеси", "эже", "карындашы",
                 "карындаш", "сиңдиси", "агасы", "ага", "байкеси", "байке", "иниси", "бир тууганы", "абасы", "аба",
                 "таякеси", "таяке", "тагасы", "таэжеси", "таеже", "таежеси", "жеңеси", "жеңе", "жездеси", "жезде",
                 "тётя", "тётка", "дядя", "сестра", "брат", "родная сестра", "родной брат", "старшая сестра",
                 "старший брат", "сноха", "зять", "aunt", "uncle", "sister", "brother", "grandparent"),
    "other": ("башка", "другое лицо", "other", "иное", "другой", "другая"),
}  # fmt: skip
WORDS: dict[str, Words] = {
    "sex": Words({
        "f": ("кыз", "жен", "female", "кыз бала", "к", "аял", "а", "аялзаты", "ж", "женский", "женщина", "девочка",
              "девушка", "дев", "д", "f", "girl", "woman"),
        "m": ("эркек", "муж", "male", "эркек бала", "э", "бала", "б", "уул", "уул бала", "м", "мужской", "мужчина",
              "мальчик", "мальч", "юноша", "m", "boy", "man"),
    }),
    "relation": Words(_RELATIONS),
    "signer": Words({
        **_RELATIONS,
        "own": ("өзү", "сам", "own", "окуучу өзү", "окуучунун өзү", "сам ученик", "сама", "себя", "the pupil", "self"),
    }),
    "language": Words({
        "ky": ("кыргызча", "кыргызский", "Kyrgyz", "кыргыз", "кырг", "ky"),
        "ru": ("орусча", "русский", "Russian", "орус", "рус", "ru"),
        "uz": ("өзбекче", "узбекский", "Uzbek", "өзбек", "узб", "uz"),
        "tg": ("тажикче", "таджикский", "Tajik", "тажик", "тадж", "tg"),
        "en": ("англисче", "английский", "English", "англис", "англ", "en"),
        "pt": ("португалча", "португальский", "Portuguese", "португал", "порт", "pt"),
    }),
    "shift": Words({
        1: ("1", "1", "1", "биринчи", "первая", "first", "1-смена", "I", "I-смена"),
        2: ("2", "2", "2", "экинчи", "вторая", "second", "2-смена", "II", "II-смена"),
        3: ("3", "3", "3", "үчүнчү", "третья", "third", "3-смена", "III", "III-смена"),
    }),
    "residence": Words({
        "urban": ("шаар", "город", "urban", "шаардык", "городская", "city", "town"),
        "rural": ("айыл", "село", "rural", "айылдык", "сельская", "кыштак", "village"),
    }),
    "position": Words({
        "head": ("директор", "директор", "head", "мектеп директору", "мектептин директору", "жетекчи",
                 "мектеп жетекчиси", "мектептин жетекчиси", "и о директора", "ио директора", "school head",
                 "principal"),
        "deputy": ("завуч", "завуч", "deputy", "ОББ", "окуу бөлүм башчысы", "окуу бөлүмүнүн башчысы",
                   "…орун басары", "…орунбасары", "директор орун басары", "директордун орун басары", "зам директора",
                   "зам дир", "заместитель директора", "заместитель", "заведующий учебной частью",
                   "заведующая учебной частью", "deputy head"),
        "primary": ("башталгыч класстын мугалими", "учитель начальных классов", "primary teacher", "башталгыч",
                    "начальные", "нач классы", "учитель начальной школы", "учитель нач классов", "учитель нач кл",
                    "учительница начальных классов", "primary"),
        "teacher": ("мугалим", "учитель", "teacher", "…мугалими", "…мугалим", "предметник", "учитель-предметник",
                    "учительница", "преподаватель", "…окутуучусу", "педагог", "…teacher"),
        "social": ("соцпедагог", "соцпедагог", "social pedagogue", "соц педагог", "социалдык педагог", "соцпед",
                   "социальный педагог", "social"),
        "psychologist": ("психолог", "психолог", "psychologist", "мектеп психологу", "педагог-психолог",
                         "педагог психолог", "психолог-педагог"),
        "librarian": ("китепканачы", "библиотекарь", "librarian", "китепкана кызматкери", "китепкана башчысы",
                      "зав библиотекой", "заведующий библиотекой", "заведующая библиотекой"),
        "secretary": ("катчы", "секретарь", "secretary", "катчысы", "мектеп катчысы", "мектептин катчысы",
                      "секретарь-машинистка", "секретарь-делопроизводитель", "делопроизводитель",
                      "иш кагаздарын жүргүзүүчү", "иш жүргүзүүчү", "clerk", "school secretary"),
        "it": ("системалык администратор", "системный администратор", "system administrator", "администратор",
               "сисадмин", "сис админ", "программист", "инженер-программист", "программалоочу", "IT", "IT-специалист",
               "IT адис", "ИТ-специалист", "ИКТ адиси", "системный инженер", "administrator"),
        "lab": ("лаборант", "лаборант", "laboratory assistant", "…лаборанты", "лаборантка", "lab assistant",
                "laboratory technician"),
        "accountant": ("бухгалтер", "бухгалтер", "accountant", "бухгалтери", "главный бухгалтер", "гл бухгалтер",
                       "башкы бухгалтер", "экономист", "кассир", "…бухгалтери", "bookkeeper"),
        "support": ("чарба кызматкери", "хозяйственный персонал", "support staff", "завхоз", "заведующий хозяйством",
                    "заведующая хозяйством", "чарба башчысы", "чарба бөлүмүнүн башчысы", "кароолчу", "күзөтчү",
                    "сторож", "вахтёр", "охранник", "ашпозчу", "повар", "дворник", "короо шыпыруучу", "гардеробщик",
                    "гардеробщица", "рабочий", "жумушчу", "слесарь", "сантехник", "электрик", "техкызматкер",
                    "тех кызматкер", "техничка", "техперсонал", "технический персонал", "обслуживающий персонал",
                    "тейлөөчү персонал", "уборщик", "уборщица", "тазалоочу", "оператор котельной", "от жагуучу",
                    "кочегар", "водитель", "айдоочу", "caretaker", "guard", "cook", "cleaner", "driver"),
        "other": ("башка", "иное", "other", "прочие", "прочее", "другое", "медайым", "мед айым", "медсестра", "врач",
                  "дарыгер", "вожатый", "вожатая", "тарбиячы", "воспитатель", "логопед", "учитель-логопед",
                  "инженер", "nurse"),
    }),
    "education": Words({
        "higher_ped": ("жогорку педагогикалык", "высшее педагогическое", "higher pedagogical", "жогорку пед",
                       "высшее пед", "higher_ped"),
        "higher": ("жогорку", "высшее", "higher", "бакалавр", "магистр", "специалист"),
        "unfinished": ("бүтпөгөн жогорку", "незаконченное высшее", "unfinished", "аяктабаган жогорку",
                       "толук эмес жогорку", "неоконченное высшее", "неполное высшее", "н/высшее"),
        "vocational": ("орто кесиптик", "среднее профессиональное", "vocational", "орто атайын", "атайын орто",
                       "среднее специальное", "средне-специальное", "средне специальное", "ср спец", "колледж",
                       "secondary vocational"),
        "general": ("жалпы орто", "среднее общее", "general", "орто", "среднее", "общее среднее"),
    }),
    "category": Words({
        "highest": ("жогорку", "высшая", "highest"),
        "first": ("биринчи", "первая", "first", "1", "I", "1-категория"),
        "second": ("экинчи", "вторая", "second", "2", "II", "2-категория"),
        "none": ("жок", "нет", "none", "без категории", "категориясы жок"),
    }),
    "yes or no": Words({
        1: ("ооба", "да", "yes", "1", "true", "+", "бар", "есть", "v", "✓"),
        0: ("жок", "нет", "no", "0", "false", "-"),
    }),
}  # fmt: skip
"""List of words -> its words; a mapping names it (`node.importing.mapping`)."""
