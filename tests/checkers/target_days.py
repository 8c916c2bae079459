"""Prints the weekdays on which TARGET is closed, one a line.

target_days.py FIRST_YEAR LAST_YEAR
"""

import sys

import holidays

years = range(int(sys.argv[1]), int(sys.argv[2]) + 1)
for day in sorted(holidays.financial_holidays("ECB", years=years)):
    if day.weekday() < 5:
        print(day)
