"""Says of each line on standard input whether it is an IBAN or a creditor
identifier: "iban TEXT" or "creditor TEXT", answered with "yes" or "no".
"""

import sys

from stdnum import iban
from stdnum.eu import at_02

VALID = {"iban": lambda text: iban.is_valid(text, check_country=False), "creditor": at_02.is_valid}

for line in sys.stdin:
    kind, text = line.split()
    print("yes" if VALID[kind](text) else "no")
