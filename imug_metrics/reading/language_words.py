# SPDX-FileCopyrightText: the imug_metrics authors
# SPDX-License-Identifier: Apache-2.0
"""Frequent words of languages in the Latin script: what tells them apart in texts of one to five words.

Grammar, yes and no, good and bad, colours, what is said of pictures. A word may stand with several languages; then it
tells nothing between them. So words of one language that another spells alike belong into both lists.
"""

from __future__ import annotations

from imug_metrics.reading.specificity_words import ENGLISH

_ENGLISH = """
    cube ball box square circle cat dog man woman person hand face eye head hair hat car tree house sky water night day
    shadow object style text sign light dark small large big long short old new same different missing blurry sharp
    matches shows says table chair window door street extra it's doesn't isn't
"""

_OTHERS = {
    "af": """
        is die nie en van het in op met dat dit 'n ja nee goed reg verkeerd rooi groen blou swart wit kat hond
    """,
    "ca": """
        el la els les un una és són no i de del en amb per sí bé bo mal correcte vermell verd blau negre blanc
        gat gos imatge falta dos tres perfecte
    """,
    "cs": """
        je a na v ve se ne ano není to jsou ale s pro dobře špatně správně chyba chybí červený červená zelená
        modrý modrá černá bílá obrázek kočka pes dva tři vše dobrý
    """,
    "da": """
        er og det den de en et ikke på i med til af for har ja nej godt god forkert rigtigt rigtig rød grøn blå
        sort hvid billedet billede mangler kat hund to tre alt
    """,
    "de": """
        der die das den dem des ein eine einer eines einem ist sind war und oder nicht kein keine in im am an
        auf mit von vom zu zum zur für bei aus es er sie wie so als auch nur aber sehr zwei drei vier alle alles
        ja nein gut schlecht schön richtig falsch stimmt passt passend fehlt fehlen korrekt perfekt okay super
        klar rot rote roter rotes roten grün grüne blau blaue blaues gelb schwarz schwarze weiß weiss braun
        links rechts oben unten bild farbe hintergrund katze hund himmel haus auto test text hat haben wird
        wurde
    """,
    "es": """
        el la los las un una unos es son está están y o no sí si de del en con por para que se al a lo su muy
        pero como más sin dos tres cuatro hay bien mal bueno buena correcto correcta incorrecto perfecto
        perfecta rojo roja verde azul amarillo negro negra blanco blanca falta faltan imagen color fondo cielo
        gato perro izquierda derecha todo claro genial vale coincide
    """,
    "et": """
        on ja ei see jah hea vale õige punane roheline sinine must valge pilt kass koer puudub kõik
    """,
    "fi": """
        on ja ei se kyllä hyvä väärä väärin oikein oikea hyvin punainen vihreä sininen musta valkoinen kuva
        kuvassa kissa koira puuttuu kaikki täydellinen ovat
    """,
    "fr": """
        le la les l un une des du de d et ou est sont était pas ne non oui il elle ils c ce cette ces se sa son
        ses on au aux à a en dans sur sous avec sans pour par que qui très mais plus deux trois quatre bien mal
        bon bonne mauvais mauvaise faux vrai juste correct correcte incorrect parfait parfaite image photo
        conforme rouge rouges vert verte bleu bleue jaune noir noire blanc blanche orange rose manque ciel fond
        chat chien gauche droite tout super ok
    """,
    "hr": """
        je su i u na se ne nije da to s sa za dobro loše točno krivo pogrešno ispravno crvena crveni zelena
        plava crna bijela slika mačka pas nedostaje sve savršeno
    """,
    "hu": """
        a az egy és nem igen van nincs hogy is jó rossz helyes hibás piros zöld kék fekete fehér kép macska
        kutya hiányzik minden tökéletes két három
    """,
    "id": """
        dan yang di ke dari ini itu tidak bukan ada ya adalah dengan untuk pada baik bagus benar salah sudah
        belum merah hijau biru kuning hitam putih gambar gambarnya kucing anjing hilang semua semuanya sempurna
        dua tiga sesuai
    """,
    "it": """
        il lo la i gli le un uno una è sono e o non no sì si di del della in nel con per che da a al alla su ma
        come più molto due tre quattro bene va male buono buona giusto giusta sbagliato sbagliata corretto
        corretta perfetto perfetta rosso rossa verde blu azzurro giallo nero nera bianco bianca manca mancano
        immagine foto sfondo cielo gatto cane sinistra destra tutto bello
    """,
    "lt": """
        yra ir ne taip tai gerai blogai teisingai raudonas žalias mėlynas juodas baltas katė šuo trūksta viskas
    """,
    "lv": """
        ir un nav nē jā tas labi slikti pareizi sarkans zaļš zils melns balts kaķis suns trūkst viss
    """,
    "ms": """
        dan yang di ke dari ini itu tidak bukan ada ya adalah dengan untuk baik bagus betul salah merah hijau
        biru kuning hitam putih imej gambar kucing anjing semua
    """,
    "nl": """
        de het een is zijn was en of niet geen in op aan met van voor te er die dat dit maar ook heel over we
        twee drie ja nee goed slecht fout juist klopt correct perfect mooi rood rode groen groene blauw blauwe
        geel zwart zwarte wit witte ontbreekt afbeelding beeld foto achtergrond lucht kat hond links rechts
        alles donker staat ziet
    """,
    "no": """
        er og det den de en et ikke på i med til av for har ja nei bra god feil riktig rød grønn blå svart hvit
        bildet bilde mangler katt hund to tre alt
    """,
    "pl": """
        jest są i w na z ze do nie tak to się o za po od dla ale jak dobrze dobry dobre źle zły błąd poprawnie
        poprawne brakuje brak czerwony czerwona zielony niebieski niebieskie czarny biały obraz obrazek zdjęcie
        kot pies dwa dwie trzy wszystko idealnie
    """,
    "pt": """
        o a os as um uma é são está estão e ou não sim de do da dos em no na com por para que se ao mas como
        mais muito dois duas três quatro há bem bom boa mau mal ruim certo certa errado errada correto correta
        incorreto perfeito perfeita vermelho vermelha verde azul amarelo preto branco falta faltam imagem foto
        cor fundo céu gato cão esquerda direita tudo parece
    """,
    "ro": """
        este e sunt și si nu da un o de la în in cu pe din că care dar bine bun bună rău greșit corect corectă
        perfect roșu roșie verde albastru negru alb lipsește imaginea imagine pisica câine două trei tot mașină
    """,
    "sk": """
        je a na v sa nie áno to sú ale s dobre zle správne chýba červená zelená modrá čierna biela obrázok mačka
        pes dva tri všetko
    """,
    "sl": """
        je in na v se ne ni da to so s z dobro slabo pravilno narobe rdeča zelena modra črna bela slika mačka
        pes manjka vse
    """,
    "sq": """
        është dhe nuk po jo mirë keq saktë gabim kuq gjelbër blu zi bardhë macja qeni mungon
    """,
    "sv": """
        är och det den de en ett inte på i med till av för har ja nej bra god dålig fel rätt stämmer röd röda
        grön blå svart vit bilden bild saknas katt hund två tre allt perfekt ser ut himmel bil
    """,
    "sw": """
        ni na ya wa kwa si ndiyo hapana nzuri mbaya sahihi vibaya nyekundu kijani bluu nyeusi nyeupe picha paka
        mbwa
    """,
    "tl": """
        ang ng sa na ay mga at hindi oo ito may maganda mali tama pula berde asul itim puti larawan pusa aso
        kulang
    """,
    "tr": """
        bir ve değil bu şu da de için ile çok var yok evet hayır iyi kötü güzel doğru yanlış kırmızı yeşil mavi
        sarı siyah beyaz resim görsel görüntü kedi köpek eksik tamam mükemmel iki üç her şey
    """,
    "vi": """
        là và của có không một hai ba cái con này đó trong trên với được rất đúng sai tốt đẹp màu đỏ xanh vàng
        đen trắng ảnh hình mèo chó thiếu chính xác ổn
    """,
}

FREQUENT: dict[str, frozenset[str]] = {
    "en": frozenset(_ENGLISH.split()).union(
        ENGLISH.function, ENGLISH.stock, ENGLISH.numbers, ENGLISH.colours, ENGLISH.places
    ),
    **{language: frozenset(words.split()) for language, words in _OTHERS.items()},
}
"""Words in lower case by ISO 639-1 code."""
