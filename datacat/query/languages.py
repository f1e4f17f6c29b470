"""Filler words and negations of questions in German, French and Spanish.

They count where a question is in that language: it has a word of it that English has not. So `die` stays an English
word in "dice that die", and is an article in "die Autos mit Dach".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from datacat.model.names import folded


@dataclass(frozen=True, slots=True)
class Language:
    """Words of one language, case-folded.

    Attributes:
        fillers: say nothing of what is sought.
        negations: what follows is to be absent.
        choices: stand between alternatives.
        shared: those of all these that are English words, too, and so show no language.
    """

    fillers: frozenset[str]
    negations: frozenset[str]
    choices: frozenset[str]
    shared: frozenset[str]

    def shows_in(self, words: Iterable[str]) -> int:
        """How many of the words are of this language and of no other."""
        own = (self.fillers | self.negations | self.choices) - self.shared
        return len(own & set(words))


def _words(text: str) -> frozenset[str]:
    return frozenset(folded(word) for word in text.split())


ENGLISH = Language(
    frozenset(), frozenset(("no", "not", "without", "neither", "nor")), frozenset(("or",)), frozenset()
)
_FOREIGN = (
    Language(
        _words("""
            aller alle allen alles als am an auf aus bei beim bild bilder bildern bitte da dabei darauf das dass daten
            dem den der des die diese diesen dieser du eine einem einen einer ein einige er es etwas finde finden foto
            fotos für gab geben gezeigt gib gibt haben habe hat ich ihr im in irgendwelche ist kann man mal mehr mein
            mich mir mit nach nur ob sich sie sieht sind suche such und uns unser unsere vom von vor war was welche
            welchen welcher wie viel viele wir wird wo wurde wurden zeig zeige zeigen zu zum zur zeigt aufnahmen
        """),
        _words("ohne kein keine keinen keinem keiner nicht"),
        _words("oder"),
        _words("am an da dem den des die er es hat in im man mal mich mir ob such war was wo"),
    ),
    Language(
        _words("""
            a à ai au aux avec avons avez ce ces cette cherche chez combien contenant dans de des donne donnée
            données du elle en est et eux il ils image images il-y-a j'ai je la le les leur leurs ma mes moi montre
            montrer montrez montrez-moi montre-moi nos notre
            nous où par photo photos pour qu que quel quelle quelles quels qui sa se ses son sont sur ta tous toute
            toutes trouve trouver tu un une vos votre vous y
        """),
        _words("sans aucun aucune pas"),
        _words("ou"),
        _words(
            "a ai au de des en et il image images la le ma par pas photo photos qui se son sur ta tu un y no"
        ),
    ),
    Language(
        _words("""
            a al algún alguna algunas algunos aquí busca buscar con contienen contiene cuál cuáles datos
            cuanto cuánto cuantos cuántos cuantas cuántas
            de del dame donde el ella en encuentra es esta estas este estos están está foto fotos hay imagen imágenes la
            las lo los me mi mis muestra muéstrame muestrame muéstranos mostrar nos nuestra
            nuestro o para por que qué se sobre son su sus tenemos tiene tienen todas todos un una unas unos y
        """),
        _words("sin ningún ninguna"),
        _words("o"),
        _words("a al de del el en es foto hay la las lo los me mi no nos o para por se sin son su un y"),
    ),
)


def language_of(words: Iterable[str]) -> Language:
    """The language whose words the question has, by its case-folded words; English where none shows."""
    said = list(words)
    best = max(_FOREIGN, key=lambda language: language.shows_in(said))
    return best if best.shows_in(said) else ENGLISH
