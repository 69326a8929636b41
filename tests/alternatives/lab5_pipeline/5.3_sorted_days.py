# exercise: 5.3
# file: features.py
# accepted: binary search in the sorted days of each zipcode, the number of sales as a float
import numpy as np


def _look_back(days, ratios, day):
    begin, end = np.searchsorted(days, [day - np.timedelta64(DAYS, "D"), day])
    return (np.median(ratios[begin:end]) if end > begin else np.nan), float(end - begin)


def zipcode_features(sales, as_of):
    day = np.datetime64(pd.Timestamp(as_of).date(), "D")
    found = {}
    for zipcode, houses in sales.sort_values("date").groupby("zipcode"):
        ratios = (houses["price"] / houses["sqft_living"]).to_numpy()
        ratio, number = _look_back(houses["date"].to_numpy().astype("datetime64[D]"), ratios, day)
        if number:
            found[zipcode] = {"zip_price_sqft": ratio, "zip_sales": number}
    return pd.DataFrame.from_dict(found, orient="index", columns=list(FEATURES))


def training_frame(sales):
    values = np.empty((len(sales), 2))
    days = sales["date"].to_numpy().astype("datetime64[D]")
    order = np.argsort(days, kind="stable")
    ratios = (sales["price"] / sales["sqft_living"]).to_numpy()
    zipcodes = sales["zipcode"].to_numpy()
    for zipcode in np.unique(zipcodes):
        places = order[zipcodes[order] == zipcode]
        for place in places:
            values[place] = _look_back(days[places], ratios[places], days[place])
    return sales.assign(**dict(zip(FEATURES, values.T, strict=True)))
