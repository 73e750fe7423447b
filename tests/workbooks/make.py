"""Makes the workbooks of this folder with openpyxl 3.1: python3 tests/workbooks/make.py

The tests read what is committed; run this again only to change it.
"""

import datetime
import pathlib

import openpyxl

FOLDER = pathlib.Path(__file__).parent


def save(workbook, name):
    workbook.save(FOLDER / name)


def codes():
    """What a marketer writes: codes as text, numbers and dates beside them, a second sheet and a hidden first one."""
    workbook = openpyxl.Workbook()
    workbook.active.title = "Notes"
    workbook.active["A1"] = "nothing to see here"
    workbook.active.sheet_state = "hidden"
    sheet = workbook.create_sheet("Spring")
    sheet.append(["Discount", "Promo Code", "Expires At", "Valid from", "Active", None])
    sheet.append([20, "SPRING-1", datetime.date(2027, 6, 30), datetime.date(2020, 1, 1), True, None])
    sheet.append([])
    sheet.append([12.5, "\u00a0000123 ", datetime.datetime(2027, 6, 30, 18, 0), None, False, None])
    sheet.append([None, "E\u0301-2", "2027-07-01", None, None, None])
    for row in sheet.iter_rows(min_col=2, max_col=2):
        row[0].number_format = "@"
    other = workbook.create_sheet("Summer")
    other.append(["code"])
    other.append(["SUMMER-1"])
    workbook.active = 1
    save(workbook, "codes.xlsx")


def damaged():
    """What Excel makes of codes that look like something else."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.append(["code", "note"])
    for value in [123, 1e5, 1.5, 1234567890123456, datetime.date(2027, 3, 1), datetime.time(1, 30), True, "#N/A", "OK-1", "A\u200bB"]:
        sheet.append([value, "row"])
    sheet.append(["=1/0", "a formula without a value"])
    sheet.append(["OK-2", "x", "a field too many"])
    sheet["A9"].data_type = "e"
    save(workbook, "damaged.xlsx")


def plain():
    """Codes in a single column without a header."""
    workbook = openpyxl.Workbook()
    for code in ["A-1", "B-2", "C3"]:
        workbook.active.append([code])
    save(workbook, "plain.xlsx")


def empty():
    save(openpyxl.Workbook(), "empty.xlsx")


if __name__ == "__main__":
    codes()
    damaged()
    plain()
    empty()
