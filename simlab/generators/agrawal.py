"""The generator `agrawal`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from simlab.generators._columns import number

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PROBLEM = "binary"
COLUMNS = {
    "salary": "numeric",
    "commission": "numeric",
    "age": "numeric",
    "elevel": "numeric",
    "car": "categorical",
    "zipcode": "categorical",
    "hvalue": "numeric",
    "hyears": "numeric",
    "loan": "numeric",
}
CONCEPTS = tuple({"function": number} for number in range(10))


def river(seed: int, *, function: int = 0) -> tuple[str, dict[str, Any]]:
    """River's name for it: `Agrawal`, without perturbation."""
    return "Agrawal", {"seed": seed, "classification_function": function}


def agrawal(rows: pa.Table, seed: int, *, function: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] = 0) -> np.ndarray:
    """Loans: people with salary, age, education, house and loan, in one of two groups by one of ten rules.

    The ten functions of Agrawal, Imielinski and Swami 1993 (IEEE Transactions on Knowledge and Data
    Engineering 5:6) as river writes them, its slips included: function 4 compares the salary with
    bounds meant for the loan.

    Parameters
    ----------
    rows
        The rows asked for.
    seed
        Not used: nothing in the rules is drawn.
    function
        Which of the ten: 0 asks the age alone; 1 age and salary; 2 age and education; 3 age, education
        and salary; 4 age, salary and loan; 5 age, salary and commission; 6 to 9 whether there is
        disposable income, after loan (6), education (7), both (8), education and the house (9).
    """
    import numpy as np

    def between(low: float, values: np.ndarray, high: float) -> np.ndarray:
        inside: np.ndarray = (low <= values) & (values <= high)
        return inside

    def by_age(young: np.ndarray, middle: np.ndarray, old: np.ndarray) -> np.ndarray:
        age = number(rows, "age")
        return np.where(age < 40, young, np.where(age < 60, middle, old))

    def education(*levels: int) -> np.ndarray:
        return np.isin(number(rows, "elevel"), levels)

    if function == 0:
        age = number(rows, "age")
        return ((age < 40) | (age >= 60)).astype(float)
    salary = number(rows, "salary")
    if function in (1, 5):
        pay = salary + number(rows, "commission") if function == 5 else salary
        found = by_age(
            between(50_000, pay, 100_000), between(75_000, pay, 125_000), between(25_000, pay, 75_000)
        )
    elif function == 2:
        found = by_age(education(0, 1), education(1, 2, 3), education(2, 3, 4))
    elif function == 3:
        low, middle, high = (between(a, salary, a + 50_000) for a in (25_000, 50_000, 75_000))
        found = by_age(
            np.where(education(0, 1), low, middle),
            np.where(education(1, 2, 3), middle, high),
            np.where(education(2, 3, 4), middle, low),
        )
    elif function == 4:
        loan = number(rows, "loan")
        found = by_age(
            np.where(
                between(50_000, salary, 100_000),
                between(100_000, loan, 300_000),
                between(200_000, salary, 400_000),
            ),
            np.where(
                between(75_000, salary, 125_000),
                (salary >= 200_000) & (loan <= 400_000),
                between(300_000, salary, 500_000),
            ),
            np.where(
                between(25_000, salary, 75_000),
                between(300_000, loan, 500_000),
                between(75_000, loan, 300_000),
            ),
        )
    else:
        left = 2 * (salary + number(rows, "commission")) / 3
        if function in (7, 8, 9):
            left = left - 5000 * number(rows, "elevel")
        if function in (6, 8):
            left = left - number(rows, "loan") / 5
        if function == 9:
            years, value = number(rows, "hyears"), number(rows, "hvalue")
            left = left + np.where(years >= 20, value * (years - 20) / 10, 0.0) / 5
        found = ~(left - (20_000 if function in (6, 7) else 10_000) > 1)
    return found.astype(float)
